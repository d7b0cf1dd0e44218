/** A share from 0 to 1, in whole per cent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
