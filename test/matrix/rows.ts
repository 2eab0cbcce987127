import type { MatrixRow } from "./client.js";
import { DEBIAN } from "./clients/debian.js";
import { GO } from "./clients/go.js";
import { JAVASCRIPT } from "./clients/javascript.js";
import { JVM } from "./clients/jvm.js";
import { NATIVE } from "./clients/native.js";
import { PYTHON } from "./clients/python.js";
import { RUST } from "./clients/rust.js";
import { TERRAFORM } from "./clients/terraform.js";

/** Every client of the matrix, in the order of its table. */
export const ROWS: readonly MatrixRow[] = [
  ...PYTHON,
  ...JAVASCRIPT,
  ...DEBIAN,
  ...GO,
  ...JVM,
  ...RUST,
  ...NATIVE,
  ...TERRAFORM,
];
