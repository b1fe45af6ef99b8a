resonate-scaffold add workflow remind-customer --takes invoice_id:str --takes days:int:1..6=3 \
    --returns invoice_id:str --returns reminded:bool
resonate-scaffold add rpc mail.remind --takes invoice_id:str --returns sent:bool
