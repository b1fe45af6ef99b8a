resonate-scaffold add rpc catalog.get-price --takes sku:str --returns cents:int
resonate-scaffold add workflow price-cart --takes 'skus:list[str]:1..200' --returns 'cents:list[int]' --returns total_cents:int
