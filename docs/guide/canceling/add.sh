resonate-scaffold add rpc tables.keep --takes guest:str --returns table:int
resonate-scaffold add rpc tables.free --takes table:int --returns freed:bool
resonate-scaffold add workflow keep-table --takes guest:str --returns table:int
resonate-scaffold add route POST /tables --workflow keep-table
