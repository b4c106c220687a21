import { beforeEach, describe, expect, it } from 'vitest';
import { AccessControl } from '../../../src/testing/kubernetes/access-control.js';

const ROBOT = { username: 'system:serviceaccount:shop:robot', groups: ['system:serviceaccounts', 'shop'] };
const ANYBODY = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
const DISCOVERY = { verb: 'get', path: '/openid/v1/jwks' };
const attempt = (verb = 'create', resource = 'tokenreviews', namespace?: string) => ({
  verb,
  group: 'authentication.k8s.io',
  resource,
  namespace,
});
const FORBIDDEN = expect.objectContaining({ status: expect.objectContaining({ code: 403, reason: 'Forbidden' }) });

describe('access control', () => {
  let access: AccessControl;

  beforeEach(() => {
    access = new AccessControl(false);
  });

  it.each([
    ['the user', ROBOT.username, undefined, undefined],
    ['a group of the user', 'shop', undefined, undefined],
    ['all namespaces', ROBOT.username, undefined, 'shop'],
    ['the namespace', ROBOT.username, 'shop', 'shop'],
  ])('allows what was granted for %s', (_, subject, granted, namespace) => {
    access.allow(subject, 'create', 'tokenreviews', granted);
    expect(() => access.authorize(ROBOT, attempt('create', 'tokenreviews', namespace))).not.toThrow();
  });

  it.each([
    ['another user', 'system:serviceaccount:shop:other', 'create', 'tokenreviews', undefined],
    ['another verb', ROBOT.username, 'get', 'tokenreviews', undefined],
    ['another resource', ROBOT.username, 'create', 'pods', undefined],
    ['another namespace', ROBOT.username, 'create', 'tokenreviews', 'kube-system'],
  ])('forbids what was granted for %s only', (_, subject, verb, resource, namespace) => {
    access.allow(subject, verb, resource, namespace);
    expect(() => access.authorize(ROBOT, attempt('create', 'tokenreviews', 'shop'))).toThrow(FORBIDDEN);
  });

  it('forbids in the cluster scope what was granted for a namespace', () => {
    access.allow(ROBOT.username, 'create', 'tokenreviews', 'shop');
    expect(() => access.authorize(ROBOT, attempt())).toThrow(FORBIDDEN);
  });

  it('forbids everything once all was revoked', () => {
    access.allow(ROBOT.username, 'create', 'tokenreviews', undefined);
    access.revokeAll();
    expect(() => access.authorize(ROBOT, attempt())).toThrow(FORBIDDEN);
  });

  it('shows the OpenID documents to service accounts, and to anybody if it is told to', () => {
    expect(() => access.authorize(ROBOT, DISCOVERY)).not.toThrow();
    expect(() => access.authorize(ANYBODY, DISCOVERY)).toThrow(FORBIDDEN);
    expect(() => new AccessControl(true).authorize(ANYBODY, DISCOVERY)).not.toThrow();
  });
});
