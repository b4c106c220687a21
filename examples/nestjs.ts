/**
 * A NestJS service that calls another one with its token: a module with the provider, an `HttpService` that sends the token, and a
 * readiness route.
 *
 * Run: npx tsx examples/nestjs.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL, PORT (default 8080)
 */
import 'reflect-metadata';
import { HttpService } from '@nestjs/axios';
import {
  Controller,
  Get,
  Inject,
  Module,
  type OnApplicationShutdown,
  ServiceUnavailableException,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import axios from 'axios';
import { ProjectedTokenProvider, type ProviderStatus } from 'projected-token';
import { withToken } from 'projected-token/axios';
import { firstValueFrom } from 'rxjs';

@Module({
  providers: [
    {
      provide: ProjectedTokenProvider,
      useFactory: () =>
        ProjectedTokenProvider.open({
          path: process.env.TOKEN_PATH,
          audience: process.env.TOKEN_AUDIENCE,
          waitForToken: false,
        }),
    },
    {
      // Instead of HttpModule, which makes an axios instance of its own.
      provide: HttpService,
      useFactory: (provider: ProjectedTokenProvider) =>
        new HttpService(withToken(axios.create({ baseURL: process.env.SERVICE_URL }), provider)),
      inject: [ProjectedTokenProvider],
    },
  ],
  exports: [ProjectedTokenProvider, HttpService],
})
class OrdersClientModule implements OnApplicationShutdown {
  constructor(@Inject(ProjectedTokenProvider) private readonly provider: ProjectedTokenProvider) {}

  onApplicationShutdown(): Promise<void> {
    return this.provider.close();
  }
}

@Controller()
class ShopController {
  constructor(@Inject(HttpService) private readonly orders: HttpService) {}

  @Get('orders')
  async list(): Promise<unknown> {
    const { data } = await firstValueFrom(this.orders.get('/orders'));
    return data;
  }
}

@Controller()
class ProbesController {
  constructor(@Inject(ProjectedTokenProvider) private readonly provider: ProjectedTokenProvider) {}

  @Get('readyz')
  readiness(): ProviderStatus {
    const { status } = this.provider;
    if (status.state !== 'ready') throw new ServiceUnavailableException(status);
    return status;
  }
}

@Module({ imports: [OrdersClientModule], controllers: [ShopController, ProbesController] })
class ShopModule {}

const app = await NestFactory.create(ShopModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks(['SIGTERM']);
await app.listen(Number(process.env.PORT ?? 8080));
console.log(`Listening on port ${new URL(await app.getUrl()).port}`);
