import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';

afterEach(() => void vi.useRealTimers());

const parse = ({ cert, key }: { cert: string; key: string }) => ({
  certificate: new X509Certificate(cert),
  key: createPrivateKey(key),
});

describe('a loopback certificate', () => {
  it('is for 127.0.0.1, and signed with its own key', () => {
    const { certificate, key } = parse(createLoopbackCertificate());
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
  });

  it('is valid from yesterday for a month', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-03-01T12:00:00Z') });
    const { certificate } = parse(createLoopbackCertificate());
    expect(new Date(certificate.validFrom)).toEqual(new Date('2026-02-28T12:00:00Z'));
    expect(new Date(certificate.validTo)).toEqual(new Date('2026-03-31T12:00:00Z'));
  });

  it('has another key each time', () => {
    expect(createLoopbackCertificate().key).not.toBe(createLoopbackCertificate().key);
  });
});
