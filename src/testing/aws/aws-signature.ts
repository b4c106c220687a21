import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { LoopbackRequest } from '../loopback-server.js';

/** What the `Authorization` header of a request with AWS Signature Version 4 says. */
export interface AwsAuthorization {
  readonly accessKeyId: string;
  /** Whether the signature was made with this secret access key, over this request. */
  isSignedWith(secretAccessKey: string): boolean;
}

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Reads the authorization of a request; undefined when it has none of this kind. */
export function parseAwsAuthorization(request: LoopbackRequest): AwsAuthorization | undefined {
  const match = FORM.exec(request.headers.authorization ?? '');
  if (match === null) return undefined;
  const [, accessKeyId, date, region, service, signedHeaders, signature] = match as unknown as string[];
  return {
    accessKeyId: accessKeyId!,
    isSignedWith(secretAccessKey) {
      // "Create a signed AWS API request", IAM User Guide: canonical request, string to sign, signing key, signature.
      const names = signedHeaders!.split(';');
      const canonicalRequest = [
        request.method,
        request.url.pathname,
        request.url.search.slice(1),
        ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
        '',
        signedHeaders,
        sha256(request.body),
      ].join('\n');
      const scope = `${date}/${region}/${service}/aws4_request`;
      const stringToSign = `AWS4-HMAC-SHA256\n${request.headers['x-amz-date']}\n${scope}\n${sha256(canonicalRequest)}`;
      const key = [date!, region!, service!, 'aws4_request'].reduce<Buffer>(
        hmac,
        Buffer.from(`AWS4${secretAccessKey}`),
      );
      return timingSafeEqual(hmac(key, stringToSign), Buffer.from(signature!, 'hex'));
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
