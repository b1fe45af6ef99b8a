resonate-scaffold add workflow ask-opinion --takes order_id:str --returns asked:bool
resonate-scaffold add workflow close-order --takes order_id:str --returns order_id:str --returns opinion_job:str
