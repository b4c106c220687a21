/**
 * An AWS client whose credentials follow the pod's token, through every rotation.
 *
 * The environment is what the EKS pod identity webhook sets: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_REGION.
 * Run: npx tsx examples/aws.ts
 */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromProjectedToken } from 'projected-token/aws';

// Any client of the SDK takes the same credentials: S3Client, DynamoDBClient, …
const sts = new STSClient({ credentials: fromProjectedToken() });

const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
console.log(`Signed in as ${Arn}`);

sts.destroy();
