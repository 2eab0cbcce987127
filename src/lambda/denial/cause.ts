import type { Simulation } from "../../aws/iam-roles.js";
import type { Denial, PolicyKind } from "../../core/denial.js";
import { type Evaluation, evaluate, type Question } from "./evaluate.js";
import type { Layer } from "./layers.js";

export interface EvaluatedLayer extends Layer {
  readonly evaluation: Evaluation;
}

/** What denied it. */
export interface Cause {
  /** null: nothing that can be seen. */
  readonly kind: PolicyKind | null;
  readonly isExplicit: boolean;
  /** The layer that does, where it could be read. */
  readonly layer?: EvaluatedLayer;
  /** The words of AWS said so; else it is what the policies come to. */
  readonly isTold: boolean;
}

export function evaluateLayers(layers: readonly Layer[], question: Question): readonly EvaluatedLayer[] {
  return layers.map((layer) => ({ ...layer, evaluation: evaluate(layer.statements, question) }));
}

/**
 * AWS names one kind of policy, also where several deny. Where it names none (many services do not), an explicit Deny that can be seen
 * decides, then the first layer that does not allow it, from the innermost: what we set ourselves before what an administrator did.
 */
export function causeOf(denial: Denial, layers: readonly EvaluatedLayer[], simulation: Simulation | undefined): Cause {
  const { kind, isExplicit } = denial;
  if (kind !== null) {
    const isTold = true;
    const explicit = isExplicit === true;
    const layer = deciding(
      layers.filter((one) => one.kind === kind),
      explicit,
    );
    return { kind, isExplicit: explicit, isTold, ...(layer && { layer }) };
  }
  const denying = layers.find(({ evaluation }) => evaluation.outcome === "explicit");
  if (denying) return { kind: denying.kind, isExplicit: true, isTold: false, layer: denying };
  if (isExplicit === true) return { kind: null, isExplicit: true, isTold: false };
  const lacking = [...layers]
    .sort(byNearness)
    .find(({ evaluation, isWhole }) => evaluation.outcome === "implicit" && isWhole);
  if (lacking) return { kind: lacking.kind, isExplicit: false, isTold: false, layer: lacking };
  if (simulation?.allowedByOrganization === false) return { kind: "scp", isExplicit: false, isTold: false };
  return { kind: null, isExplicit: false, isTold: false };
}

function deciding(layers: readonly EvaluatedLayer[], isExplicit: boolean): EvaluatedLayer | undefined {
  const wanted = isExplicit ? "explicit" : "implicit";
  return (
    layers.find(({ evaluation }) => evaluation.outcome === wanted) ??
    layers.find(({ evaluation }) => evaluation.outcome === "unknown") ??
    layers[0]
  );
}

const NEARNESS: readonly Layer["kind"][] = ["session", "identity", "boundary"];

function byNearness(a: Layer, b: Layer): number {
  return NEARNESS.indexOf(a.kind) - NEARNESS.indexOf(b.kind);
}
