resonate-scaffold add workflow welcome-customer --takes customer_id:str --returns customer_id:str
resonate-scaffold add workflow take-order --takes customer_id:str --takes order_id:str --returns welcome_job:str
resonate-scaffold add idempotency-key welcome --from customer_id
