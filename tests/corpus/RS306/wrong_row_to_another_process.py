from resonate.resonate import Resonate
from sqlalchemy.orm import registry, sessionmaker

mappers = registry()
Base = mappers.generate_base()
Sessions = sessionmaker()


class Parcel(Base):
    __tablename__ = "parcels"


def parcel_of(number: int) -> Parcel:
    with Sessions() as session:
        return session.query(Parcel).filter_by(id=number).one()


def ship_today(resonate: Resonate, number: int) -> None:
    resonate.options(target="ships").rpc(f"ship/{number}", "ship", parcel_of(number))  # want: RS306
