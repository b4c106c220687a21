import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

/** A certificate for 127.0.0.1 and localhost, and its private key, both in PEM. */
export interface LoopbackCertificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * Makes a self-signed certificate for 127.0.0.1 and localhost with a new key, for servers of one test run: Node has no function for
 * it, and a key in a repository, even one for tests, sets off every scanner. Clients trust it by its `cert` as their CA.
 *
 * @see RFC 5280 section 4.1
 */
export function createLoopbackCertificate(): LoopbackCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
  const commonName = Buffer.from('0603550403', 'hex');
  // A client that trusts several certificates finds the one of a server by its name.
  const name = sequence(
    der(0x31, sequence(commonName, der(0x0c, Buffer.from(`projected-token test ${randomUUID()}`)))),
  );
  const aDayMs = 86_400_000;
  const validity = sequence(utcTime(Date.now() - aDayMs), utcTime(Date.now() + 30 * aDayMs));
  // id-ce-subjectAltName with an iPAddress and a dNSName (RFC 5280 section 4.2.1.6): clients look at nothing else.
  const subjectAltName = sequence(
    Buffer.from('0603551d11', 'hex'),
    der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1])), der(0x82, Buffer.from('localhost')))),
  );
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([1])), // serial number
    ecdsaWithSha256,
    name, // issuer
    validity,
    name, // subject
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(subjectAltName)),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

// Tag, length, content (ITU-T X.690 section 8.1); nothing here is longer than 65535 bytes.
function der(tag: number, content: Buffer): Buffer {
  const length = content.length;
  const prefix = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...prefix]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

// YYMMDDHHMMSSZ (RFC 5280 section 4.1.2.5.1).
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
