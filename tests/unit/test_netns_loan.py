import json

from netns.loan import Loan


def test_a_loan_that_was_written_down_is_the_same() -> None:
    loan = Loan("eth1", "lab-nic", (4, 4026531840), True, 1500, {"rx-gro-list": True})
    assert Loan.read(json.loads(json.dumps(loan._asdict()))) == loan
