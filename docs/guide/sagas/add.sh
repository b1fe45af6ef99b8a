resonate-scaffold add rpc hotels.book-room --takes trip_id:str --takes nights:int --returns room:str
resonate-scaffold add rpc hotels.cancel-room --takes trip_id:str --returns was_booked:bool
resonate-scaffold add rpc flights.book-seats --takes trip_id:str --takes seats:int --returns ticket:str
resonate-scaffold add rpc flights.cancel-seats --takes trip_id:str --returns was_booked:bool
resonate-scaffold add workflow book-trip --takes trip_id:str --takes nights:int --takes seats:int \
    --returns room:str --returns ticket:str
