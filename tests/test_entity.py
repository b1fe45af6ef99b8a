"""`add entity` and `add field`: what they plan, what they refuse, and that all of it is taken back."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.errors import CannotEdit, ManifestError, ScaffoldError, StillUsed
from resonate_scaffold.generators.migrations import heads, migrations
from resonate_scaffold.generators.repair import repair
from resonate_scaffold.project import Project, after
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service
from tests.grown import fresh, grown, planned, rewritten, without

CLINIC = "add entity clinic --field name:str:1..80 --unique name"
PATIENT = (
    "add entity patient --field name:str:1..80 --field born:date --field 'plan:Literal[gold,basic]?' "
    "--field balance:Decimal --field insurer_no:str:1..20 --unique insurer_no --ref clinic"
)
PHONE = "add field patient 'phone:str?:1..30'"
VERSIONS = "orders/db/migrations/versions"


@pytest.fixture(scope="module")
def clinic() -> Project:
    return grown(fresh(bare=True), CLINIC)


@pytest.fixture(scope="module")
def service(clinic: Project) -> Project:
    return grown(clinic, PATIENT)


def text(project: Project, path: str) -> str:
    return project.files[PurePosixPath(path)].decode()


def created(project: Project, command: str) -> set[str]:
    changes = planned(project, command).changes
    return {str(it.path) for it in changes if it.action == "create" and it.path.suffix == ".py"}


def refused(project: Project, command: str) -> tuple[str, str]:
    with pytest.raises(ScaffoldError) as error:
        planned(project, command)
    return error.value.message, error.value.hint


# What is made


def test_an_entity_is_these_files(clinic: Project) -> None:
    assert created(clinic, PATIENT) == {
        "orders/contracts/db/patient.py",
        "orders/db/patient.py",
        "orders/db/queries/patient.py",
        "orders/api/patient.py",
        f"{VERSIONS}/0003_patient.py",
        "tests/test_entity_patient.py",
    }
    assert created(clinic, f"{PATIENT} --routes none") == {
        "orders/contracts/db/patient.py",
        "orders/db/patient.py",
        f"{VERSIONS}/0003_patient.py",
        "tests/test_entity_patient.py",
    }


@pytest.mark.parametrize("routes", ["crud", "read", "none"])
def test_what_is_made_passes_the_checks_of_the_service(routes: str, tmp_path: Path) -> None:
    project = grown(fresh(bare=True), f"{CLINIC} --routes {routes}", f"{PATIENT} --routes {routes}")
    for path in project.files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(project.files[path])
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--ignore", "I", "--output-format", "concise", "."]
    checked = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_variable_of_the_tests_has_one_type_whatever_it_refers_to(service: Project) -> None:
    project = grown(service, CLINIC.replace("clinic", "doctor"), "add entity visit --ref patient --ref doctor?")
    (function,) = [
        node
        for node in ast.parse(text(project, "tests/test_entity_visit.py")).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "test_what_it_refers_to"
    ]
    made: dict[str, set[str]] = {}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=kind))):
                made.setdefault(name, set()).add(kind)
    assert [name for name, kinds in made.items() if len(kinds) > 1] == []
    assert "DeleteDoctor(id=made.doctor_id)" in ast.unparse(function)


def test_a_row_and_its_migration_say_the_same(service: Project) -> None:
    row = text(service, "orders/db/models.py").partition("class PatientRow")[2]
    assert row == (
        '(Entity, Base):\n    """A patient."""\n\n    __tablename__ = "patients"\n\n'
        "    name: Mapped[str] = mapped_column(String(80))\n"
        "    born: Mapped[date]\n"
        "    plan: Mapped[str | None] = mapped_column(String(64))\n"
        "    balance: Mapped[Decimal]\n"
        "    insurer_no: Mapped[str] = mapped_column(String(20), unique=True)\n"
        '    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id"), index=True)\n'
    )
    migration = text(service, f"{VERSIONS}/0003_patient.py")
    for line in (
        'revision = "0003_patient"',
        'down_revision = "0002_clinic"',
        'sa.Column("name", sa.String(80), nullable=False),',
        'sa.Column("born", sa.Date(), nullable=False),',
        'sa.Column("plan", sa.String(64), nullable=True),',
        'sa.Column("balance", sa.Numeric(18, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=False),',
        'sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_patients_clinic_id_clinics"),',
        'sa.UniqueConstraint("insurer_no", name="uq_patients_insurer_no"),',
        'op.create_index("ix_patients_clinic_id", "patients", ["clinic_id"])',
        'op.drop_table("patients")',
    ):
        assert line in migration, line


def test_migrations_stand_in_one_line(service: Project) -> None:
    grown_twice = grown(service, PHONE, "add entity invoice --field total:Decimal --ref patient")
    chain = {it.revision: it.after for it in migrations(grown_twice)}
    assert chain == {
        "0001": (),
        "0002_clinic": ("0001",),
        "0003_patient": ("0002_clinic",),
        "0004_patient_phone": ("0003_patient",),
        "0005_invoice": ("0004_patient_phone",),
    }
    assert heads(migrations(grown_twice)) == ("0005_invoice",)


def test_two_branches_become_one_line_again(clinic: Project) -> None:
    """Each has added an entity; the next migration stands on both."""
    one = grown(clinic, "add entity doctor --field name:str")
    other = grown(clinic, "add entity room --field name:str")
    name = f"{VERSIONS}/0003_doctor.py"
    merged = rewritten(other, {name: one.files[PurePosixPath(name)]})
    assert heads(migrations(merged)) == ("0003_doctor", "0003_room")
    after = grown(merged, "add entity visit --field day:date")
    assert 'down_revision = ("0003_doctor", "0003_room")' in text(after, f"{VERSIONS}/0004_visit.py")


def test_a_field_is_added_everywhere(service: Project) -> None:
    after = grown(service, PHONE)
    contract = text(after, "orders/contracts/db/patient.py")
    new, changes = contract.split("class PatientChanges")
    line = "    phone: Annotated[str, Field(min_length=1, max_length=30)] | None"
    assert f"{line} = None\n" in new and f"{line.removesuffix('None')}MISSING | None = MISSING\n" in changes
    assert "    phone: Mapped[str | None] = mapped_column(String(30))\n" in text(after, "orders/db/models.py")
    migration = text(after, f"{VERSIONS}/0004_patient_phone.py")
    assert 'table.add_column(sa.Column("phone", sa.String(30), nullable=True))' in migration
    assert 'table.drop_column("phone")' in migration


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("paid:bool=false", "sa.Boolean(), nullable=False, server_default=sa.false()"),
        ("visits:int=3", 'nullable=False, server_default=sa.text("3")'),
        ("title:str=none", 'sa.String(), nullable=False, server_default="none"'),
        ("since:date=2026-01-31", 'sa.Date(), nullable=False, server_default="2026-01-31"'),
        (
            "fee:Decimal=1.5",
            'server_default=sa.text("150" if op.get_context().dialect.name == "sqlite" else "1.5")',
        ),
        ("tags:list[str]=[]", 'sa.JSON(), nullable=False, server_default="[]"'),
    ],
)
def test_rows_that_are_there_get_the_default(service: Project, field: str, column: str) -> None:
    name = field.partition(":")[0]
    migration = text(grown(service, f"add field patient '{field}'"), f"{VERSIONS}/0004_patient_{name}.py")
    assert column in " ".join(migration.split())


def test_a_field_is_called_as_its_type(service: Project) -> None:
    """In the body of a class a name means the field, once that has a value."""
    after = grown(service, "add field patient time:time?", "add field patient at:time?")
    contract, models = (text(after, f"orders/{it}.py") for it in ("contracts/db/patient", "db/models"))
    for line in ("time: datetime.time | None = None", "at: datetime.time | None = None"):
        assert f"    {line}\n" in contract
    assert "    time: Mapped[datetime.time | None] = mapped_column(AsJson(datetime.time))\n" in models


def test_all_python_is_python(service: Project) -> None:
    for path, content in grown(service, PHONE).files.items():
        if path.suffix == ".py":
            ast.parse(content)


# What is refused


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("add entity category --field name:str", "What are several of category called?", "--plural categories"),
        ("add entity person --field name:str", "What are several of person called?", "--plural people"),
        ("add entity doctor", "doctor has no field", "--field name:str:1..80"),
        ("add entity doctor --field id:int", "means something else in a row", "--field the_id:int"),
        ("add entity doctor --field name:str --unique nam", "--unique nam: doctor has no such field", "name?"),
        ("add entity doctor --field name:str --unique name", "may be longer than an index takes", "name:str:1..80"),
        ("add entity doctor --field tags:list[str] --unique tags", "which no index has", "Leave it out"),
        ("add entity doctor --field name:str --ref clinik", "no entity of this name was added", "clinic?"),
        ("add entity doctor --field name:str --ref boss:doctor", "doctor could refer to none", "boss:doctor?"),
        ("add entity doctor --field name:str --plural clinics", "There is a table clinics already", "--plural"),
        ("add entity doctor --field name:str --plural operations", "There is a table operations already", "--plural"),
        ("add entity a-name-that-is-much-too-long --field name:str", "the limit is 24", "shorter"),
        ("add field patient phone:str", "may have rows, which have no phone", "phone:str?"),
        ("add field patient name:str?", "patient has name already", "another name"),
        ("add field patient 'nick:str:1..9=a' --unique", "would all have the same nick", "nick:str?"),
        ("add field pateint phone:str?", "no entity of this name was added", "patient?"),
        ("add field patient", "A field is FIELD:TYPE", "--ref ENTITY?"),
        ("add field patient --ref clinic", "patient has clinic_id already", "another name"),
        ("add field patient --ref second:clinic", "may have rows, which have no second_id", "second:clinic?"),
    ],
)
def test_refusals_say_what_to_do(service: Project, command: str, message: str, hint: str) -> None:
    said, told = refused(service, command)
    assert message in said
    assert hint in told


def test_models_that_people_have_written(clinic: Project) -> None:
    """What can be edited is; what cannot comes with the lines."""
    models = text(clinic, "orders/db/models.py")
    edited = rewritten(clinic, {"orders/db/models.py": models.replace("class Base", "# Ours.\nclass Base").encode()})
    assert "# Ours." in text(grown(edited, PATIENT), "orders/db/models.py")
    renamed = rewritten(clinic, {"orders/db/models.py": models.replace("Base(", "Root(").encode()})
    assert "there is no class Base" in refused(renamed, PATIENT)[0]
    patient = grown(clinic, PATIENT)
    contract = text(patient, "orders/contracts/db/patient.py").replace("PatientChanges", "Changed")
    moved = rewritten(patient, {"orders/contracts/db/patient.py": contract.encode()})
    with pytest.raises(CannotEdit) as cannot:
        planned(moved, PHONE)
    assert "there is no class PatientChanges" in cannot.value.message
    assert "phone: Annotated[str" in cannot.value.hint


# What is taken back


def test_every_byte_comes_back(service: Project, clinic: Project) -> None:
    field = grown(service, PHONE)
    assert planned(field, PHONE).changes == () == planned(field, PATIENT).changes
    assert dict(grown(field, "remove field patient phone").files) == dict(service.files)
    assert dict(grown(service, "remove entity patient").files) == dict(clinic.files)


def test_what_is_referred_to_stays(service: Project) -> None:
    with pytest.raises(StillUsed, match="clinic still has entity patient"):
        planned(service, "remove entity clinic")
    field = grown(service, PHONE)
    with pytest.raises(StillUsed, match="patient still has field patient phone"):
        planned(field, "remove entity patient")


def test_a_migration_below_others_is_taken_back_by_another(service: Project, clinic: Project) -> None:
    later = grown(service, "add entity room --field name:str:1..20")
    plan = planned(later, "remove entity patient")
    after = grown(later, "remove entity patient")
    path = f"{VERSIONS}/0005_without_patient.py"
    assert any("0003_patient.py, on which later migrations stand" in note for note in plan.notes)
    made, was = text(after, path), text(after, f"{VERSIONS}/0003_patient.py")
    assert heads(migrations(after)) == ("0005_without_patient",)
    up, down = made.partition("def upgrade")[2].split("def downgrade")
    was_up, was_down = was.partition("def upgrade")[2].split("def downgrade")
    assert (up.strip(), down.strip()) == (was_down.strip(), was_up.strip())
    assert "PatientRow" not in text(after, "orders/db/models.py")
    assert PurePosixPath("orders/api/patient.py") not in after.files


def test_a_record_says_nothing_of_other_classes(service: Project) -> None:
    """A record is a file that anybody may have written."""
    record = next(iter(service.adds("entity")[1:]))
    forged = service.files[record.path].replace(b'"PatientRow"', b'"Base"')
    with pytest.raises(ManifestError, match=r"Base in orders/db/models\.py is not of entity patient"):
        planned(rewritten(service, {str(record.path): forged}), "remove entity patient")


def test_a_merge_of_two_entities_loses_nothing_but_wiring(clinic: Project) -> None:
    """`list --repair` brings back what a merge has lost, and takes no function of an entity for something else."""
    patient = grown(clinic, PATIENT)
    assert repair(patient).changes == ()
    worker = text(patient, "orders/db/worker.py").replace("    update_patient,\n", "")
    models = text(patient, "orders/db/models.py").partition("\n\nclass PatientRow")[0] + "\n"
    lost = rewritten(patient, {"orders/db/worker.py": worker.encode()})
    assert "update_patient," in text(after(lost, repair(lost)), "orders/db/worker.py")
    lost = rewritten(patient, {"orders/db/models.py": models.encode()})
    assert "class PatientRow(" in text(after(lost, repair(lost)), "orders/db/models.py")


# What is shown


def test_list_shows_what_the_code_says(service: Project) -> None:
    found = inventory(Service(service), ["entity", "field"])
    assert [(it["name"], it["table"], it["refers"]) for it in found["entities"]] == [
        ("clinic", "clinics", []),
        ("patient", "patients", ["clinics"]),
    ]
    fields = {it["name"]: (it["type"], it["unique"], it["refers"]) for it in found["fields"]}
    assert fields["patient insurer_no"] == ("str", True, None)
    assert fields["patient plan"] == ("str | None", False, None)
    assert fields["patient clinic_id"] == ("UUID", False, "clinics")
    # Not by its records.
    records = [str(it.path) for it in service.adds("entity")]
    assert inventory(Service(without(service, *records)), ["entity", "field"]) == found


def test_its_functions_and_routes_are_read_as_all_others(service: Project) -> None:
    found = inventory(Service(service), ["db-function", "route"])
    created = next(it for it in found["db_functions"] if it["name"] == "db.create_patient")
    assert created["served"] and created["function"]["file"] == "orders/db/patient.py"
    assert created["started"][0]["file"] == "orders/api/patient.py"
    assert {it["name"] for it in found["routes"] if "patients" in it["path"]} == {
        "GET /patients",
        "POST /patients",
        "GET /patients/{patient_id}",
        "PATCH /patients/{patient_id}",
        "DELETE /patients/{patient_id}",
        "GET /patients/writes/{operation}/{id}",
    }
