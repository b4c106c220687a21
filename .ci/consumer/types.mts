// What a program with TypeScript imports, without any optional peer.
import { type ProjectedTokenError, ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { TokenVolume } from 'projected-token/testing';
import { VaultTokenProvider } from 'projected-token/vault';
import { createTokenVerifier } from 'projected-token/verify';

export const used = [ProjectedTokenProvider, TokenVolume, VaultTokenProvider, createTokenVerifier, withToken];
export const causeOf = (error: ProjectedTokenError) => error.cause;
