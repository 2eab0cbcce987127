/** The page's clock, epoch milliseconds: that of the machine, which is brokerd's too. */
export function now(): number {
  return Date.now();
}
