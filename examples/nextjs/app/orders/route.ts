import { listOrders } from '../../lib/orders';

/** `GET /orders`: the orders of the other service. */
export async function GET(request: Request): Promise<Response> {
  const isCached = new URL(request.url).searchParams.has('cached');
  return Response.json(await listOrders({ cache: isCached ? 'force-cache' : 'no-store' }));
}
