"""A folder of rule files to Rules."""

from policy_service.policies.loader.budget import is_surely_within
from policy_service.policies.loader.folder import BUNDLE, FRAME, Sources, check_sources, is_case_file, read_folder
from policy_service.policies.loader.load import load

__all__ = ["BUNDLE", "FRAME", "Sources", "check_sources", "is_case_file", "is_surely_within", "load", "read_folder"]
