import type { Case } from "./differential-cases.js";
import { PYTHON_ANSWERS } from "./python-answer-cases.js";
import { PYTHON_BASICS } from "./python-basic-cases.js";
import { PYTHON_ENVIRONMENT } from "./python-environment-cases.js";
import { PYTHON_ERRORS } from "./python-error-cases.js";
import { PYTHON_LOGS } from "./python-log-cases.js";

export const PYTHON_CASES: readonly Case[] = [
  ...PYTHON_BASICS,
  ...PYTHON_ANSWERS,
  ...PYTHON_ERRORS,
  ...PYTHON_LOGS,
  ...PYTHON_ENVIRONMENT,
];
