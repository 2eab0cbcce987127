/** Set by the hook for the programs that it starts: `SHELL:VERSION`, of the hook. */
export const HOOK_VARIABLE = "CREDBROKER_HOOK";
