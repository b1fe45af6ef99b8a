resonate-scaffold add workflow sign-document --takes document:str --takes 'signers:list[str]:1..5' \
    --returns document:str --returns 'signed_by:list[str]'
resonate-scaffold add webhook signature --takes signer:str --takes agreed:bool --workflow sign-document
