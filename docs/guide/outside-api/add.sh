resonate-scaffold add client payments
resonate-scaffold add workflow pay-invoice --takes invoice_id:str --takes card:str --takes cents:int:gt0 \
    --returns receipt:str --route
