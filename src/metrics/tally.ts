/**
 * What is counted where it happens: plain numbers, so that counting costs a request next to nothing and needs no library.
 * `series.ts` reads them when somebody asks.
 */
export class Tally {
  /** Bytes of archives that were handed to readers, those of downloads that broke off included. */
  downloadedBytes = 0;
  /** How often each status of 400 and above was answered. As few kinds as there are statuses in the code. */
  readonly refusals = new Map<number, number>();

  /** A request was refused, or failed, with this status. */
  refused(status: number): void {
    this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1);
  }
}
