resonate-scaffold add workflow quote-trip --takes days:int:1..30 --returns cents:int --returns insured:bool
