class Failure(Exception):
    code = "work-failed"


class StepFailed(Failure):
    error: str
