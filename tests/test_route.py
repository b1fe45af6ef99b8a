"""`add route`: paths as REST has them, beside each other; where work is polled; names; what a key is scoped to."""

from __future__ import annotations

import itertools
import re
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.check import check
from resonate_scaffold.errors import ScaffoldError, Taken, UsageError
from resonate_scaffold.project import Project
from resonate_scaffold.service.service import Service
from tests.grown import fresh, grown, planned, python_of, removing
from tests.test_remove import check_style, differing

WORKFLOWS = (
    "add workflow admit-patient --takes name:str",
    "add workflow change-patient --takes patient_id:UUID --takes name:str",
    "add workflow drop-patient --takes patient_id:UUID",
    "add query patient-by-id --takes patient_id:UUID --returns name:str",
)
ROUTES = (
    "add route POST /patients --workflow admit-patient",
    "add route GET /patients/{patient_id} --query patient-by-id",
    "add route PUT /patients/{patient_id} --workflow change-patient --name replace-patient",
    "add route PATCH /patients/{patient_id} --workflow change-patient",
    "add route DELETE /patients/{patient_id} --workflow drop-patient",
)


def text(project: Project, path: str) -> str:
    return project.files[PurePosixPath(path)].decode()


def test_a_resource_has_all_of_its_routes(tmp_path: Path) -> None:
    project = grown(fresh(bare=True), *WORKFLOWS, *ROUTES)
    found = {f"{route.method} {route.path}" for route in Service(project).routes}
    assert found == {
        "POST /patients",
        *(f"{method} /patients/{{patient_id}}" for method in ("GET", "PUT", "PATCH", "DELETE")),
        "GET /jobs/patients",  # The list of what was admitted.
        *(
            f"{method} /jobs/{name}/{{id}}"
            for method in ("GET", "DELETE")
            for name in ("patients", "replace-patient", "patch-patients-patient-id", "delete-patients-patient-id")
        ),
    }
    templates = {route.path for route in Service(project).routes}
    shapes = [re.sub(r"{[^}]*}", "{}", template) for template in templates]
    assert len(set(shapes)) == len(shapes)
    assert check(python_of(project)) == []
    check_style(project, tmp_path)


def lists_of(project: Project) -> set[str]:
    return {route.path for route in Service(project).routes if route.method == "GET" and "{" not in route.path}


def test_what_a_route_starts_is_listed_where_a_path_is_free() -> None:
    bare = grown(fresh(bare=True), *WORKFLOWS)
    assert lists_of(grown(bare, "add route POST /patients --workflow admit-patient")) == {"/jobs/patients"}
    beside = "add route POST /patients --workflow admit-patient --poll /patients/{id}"
    assert lists_of(grown(bare, beside)) == {"/patients"}
    taken = grown(bare, "add query people --returns name:str", "add route GET /jobs/patients --query people")
    assert lists_of(grown(taken, "add route POST /patients --workflow admit-patient")) == {
        "/jobs/patients",
        "/patients",
    }
    assert 'polled_at="/jobs/patients"' in text(
        grown(taken, "add route POST /patients --workflow admit-patient"), "orders/api/patients.py"
    )
    # The example's own route would answer GET /jobs/patients.
    example = grown(fresh(bare=False), *WORKFLOWS, "add route POST /patients --workflow admit-patient")
    assert lists_of(example) == {"/jobs", "/patients"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(ROUTES))))[::17])
def test_routes_are_the_same_in_whatever_order_they_come_and_go(order: tuple[int, ...]) -> None:
    before = grown(fresh(bare=True), *WORKFLOWS)
    project = grown(before, *(ROUTES[number] for number in order))
    wanted = grown(before, *ROUTES)
    for path in wanted.files:
        if path.parts[:2] == ("orders", "api") and path.name != "app.py":
            assert project.files[path] == wanted.files[path]
    for number in order[::-1] if order[0] % 2 else order:
        project = grown(project, removing(ROUTES[number]))
    assert differing(project.files, before.files) == []


def test_where_work_is_polled_is_a_choice() -> None:
    made = text(grown(fresh(bare=True), *WORKFLOWS, f"{ROUTES[0]} --poll /admissions/{{id}}"), "orders/api/patients.py")
    assert 'location = f"/admissions/{submission.public_id}"' in made
    assert '@router.get("/admissions/{id}", ' in made
    assert 'polled_at="/admissions/{id}"' in made


def test_a_name_for_a_route_is_that_of_its_module_functions_and_models() -> None:
    made = text(grown(fresh(bare=True), *WORKFLOWS, ROUTES[2]), "orders/api/replace_patient.py")
    assert "class ReplacePatientRequest(BaseModel):" in made
    assert "async def start_replace_patient(" in made and "async def poll_replace_patient(id: str, " in made
    assert 'root_id("replace-patient", ' in made


def kinds(project: Project) -> list[str]:
    """What the ids begin with that each module of the API makes."""
    service = Service(project)
    paths = [path for path in project.files if path.parts[:2] == ("orders", "api")]
    return sorted({kind for path in paths for kind, _ in service.kinds_in(path)})


def test_each_route_has_keys_of_its_own() -> None:
    routes = ("POST /orders", "POST /orders/import", "PUT /orders/{number}", "POST /db", "POST /schedule")
    commands = [f"add route {route} --workflow place-order" for route in routes]
    project = grown(fresh(bare=True), "add workflow place-order --takes number:str", *commands)
    assert kinds(project) == ["orders", "orders-import", "post-db", "post-schedule", "put-orders-number"]


def test_a_long_name_leaves_room_for_a_key() -> None:
    path = "/the-first-of-all/the-second-of-all/the-third-of-all/{number}"
    project = grown(
        fresh(bare=True),
        "add workflow place-order --takes number:str",
        *(f"add route {method} {path} --workflow place-order" for method in ("PUT", "PATCH", "DELETE")),
    )
    assert len(kinds(project)) == 3
    assert {len(kind) for kind in kinds(project)} <= set(range(30, 39))


def test_paths_that_are_spelt_alike_have_modules_of_their_own() -> None:
    commands = [f"add route POST {path} --workflow admit-patient" for path in ("/a-b", "/a_b", "/a/b", "/a.b")]
    before = grown(fresh(bare=True), *WORKFLOWS)
    project = grown(before, *commands)
    assert kinds(project) == ["a-b", "a-b-2", "a-b-3", "a-b-4"]
    assert [planned(project, command).changes for command in commands] == [(), (), (), ()]
    for command in commands:
        project = grown(project, removing(command))
    assert differing(project.files, before.files) == []


def test_what_a_delete_starts_is_canceled_at_another_path() -> None:
    project = grown(fresh(bare=True), "add workflow drop-bed --takes id:str")
    with pytest.raises(UsageError, match="cancels the work that is polled there"):
        planned(project, "add route DELETE /beds/{id} --workflow drop-bed --poll /beds/{id}")
    grown(project, "add route DELETE /beds/{id} --workflow drop-bed")


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        ("add route PUT /jobs/patients/{patient_id} --workflow change-patient", Taken, "to OpenAPI both are one path"),
        (f"{ROUTES[3]} --poll /jobs/patients/{{id}}", Taken, "--poll …/{id}"),
        (f"{ROUTES[3]} --poll /patients/{{id}}", UsageError, "one path to OpenAPI"),
        (f"{ROUTES[3]} --poll /patients/{{patient_id}}/{{id}}", UsageError, "its one parameter"),
        (f"{ROUTES[3]} --poll /jobs/{{job}}", UsageError, "For example: --poll /jobs/patch-patients-patient-id/{id}"),
        (f"{ROUTES[3]} --poll /{{id}}", UsageError, "its one parameter"),
        (f"{ROUTES[3]} --name patients", Taken, "are there already (orders/api/patients.py:"),
        (f"{ROUTES[0]} --name admit", Taken, "name: none there, admit asked"),
        ("add route GET /x --query patient-by-id --poll /x/{id}", UsageError, "--poll out"),
    ],
)
def test_what_is_refused(command: str, error: type[ScaffoldError], words: str) -> None:
    project = grown(fresh(bare=True), *WORKFLOWS, ROUTES[0])
    with pytest.raises(error) as caught:
        planned(project, command)
    assert words in f"{caught.value} {caught.value.hint}"


# Keys


def test_a_field_of_a_key_has_the_type_that_requests_have() -> None:
    project = grown(
        fresh(bare=True),
        "add workflow make-offer --takes sku:str --takes price:Decimal --takes day:date",
        "add idempotency-key quote-key --from sku --from price --from day --from nowhere",
    )
    assert "def quote_key(sku: str, price: Decimal, day: date, nowhere: str) -> str:" in text(project, "orders/ids.py")
    notes = planned(
        grown(fresh(bare=True), "add workflow make-offer --takes price:Decimal"), "add idempotency-key k --from price"
    ).notes
    assert notes == ("price is Decimal, as make-offer takes it",)
    grown(
        fresh(bare=True),
        "add workflow make-offer --takes price:Decimal",
        "add idempotency-key offer --from price",
        "add route POST /quotes --workflow make-offer --key offer",
    )


def test_a_field_that_requests_have_with_several_types_is_asked_for() -> None:
    project = grown(
        fresh(bare=True), "add workflow make-offer --takes price:Decimal", "add workflow tell --takes price:int"
    )
    with pytest.raises(UsageError, match="--from price is Decimal in make-offer, int in tell") as caught:
        planned(project, "add idempotency-key offer --from price")
    assert caught.value.hint == "Say which: --from price:Decimal"
    planned(project, "add idempotency-key offer --from price:int")
