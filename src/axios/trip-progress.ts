import type { ClientRequest } from 'node:http';
import type { AxiosProgressEvent } from 'axios';
import type { TokenCarriage } from '../carry/token-carriage.js';
import type { RequestConfig } from './request-config.js';

/** Returns whether the program wants to know how far a request is. */
export function watchesProgress({ onUploadProgress, onDownloadProgress }: RequestConfig): boolean {
  return onUploadProgress !== undefined || onDownloadProgress !== undefined;
}

/**
 * The progress of one request as the program gets to see it: that of the refused attempt is held back until it is known whether there
 * is another one, and what was sent already is not reported a second time.
 */
export class TripProgress {
  #isRefused = false;
  #held: AxiosProgressEvent[] = [];
  #uploadedBytes = -1;

  constructor(
    private readonly config: RequestConfig,
    private readonly carriage: TokenCarriage,
  ) {}

  /** Takes the place of the program's functions in the configuration of an attempt. */
  watch(sent: RequestConfig): void {
    const { onUploadProgress, onDownloadProgress } = this.config;
    this.#isRefused = false;
    this.#held = [];
    if (onUploadProgress !== undefined) {
      const reportedBytes = this.#uploadedBytes;
      sent.onUploadProgress = (event) => {
        if (event.loaded <= reportedBytes) return;
        this.#uploadedBytes = event.loaded;
        onUploadProgress(event);
      };
    }
    if (onDownloadProgress !== undefined) {
      sent.onDownloadProgress = (event) => {
        if (this.#isRefused) this.#held.push(event);
        else onDownloadProgress(event);
      };
    }
  }

  /** Looks at the status of the answer before axios reads its body. */
  holdBackRefusal(request: ClientRequest): void {
    request.prependOnceListener('response', ({ statusCode = 0 }) => {
      this.#isRefused = this.carriage.isRefusal(statusCode);
    });
  }

  /** Reports what was held back, as there is no other attempt. */
  release(): void {
    this.#isRefused = false;
    for (const event of this.#held.splice(0)) this.config.onDownloadProgress?.(event);
  }
}
