"""The request in a file, judged as the one in an HTTP body is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from policy_service import canonical
from policy_service.api import body, problems, reading
from policy_service.api.problems import Refused
from policy_service.cli.terminal import found_errors
from policy_service.decisions.service import EvaluateRequest, PolicyService
from policy_service.diagnostics import Fault, InvalidInput
