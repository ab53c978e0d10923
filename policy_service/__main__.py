"""`python -m policy_service` is `policyctl`."""

from policy_service.cli.main import main

main()
