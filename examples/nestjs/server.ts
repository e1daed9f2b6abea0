import "reflect-metadata";
import { Body, Controller, Get, HttpCode, Module, Post } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { type CallContext, hasPermission, isAuthenticated, type Principal } from "countersign";
import {
  AllowAny,
  Authenticators,
  CurrentContext,
  CurrentPrincipal,
  Guards,
  nestAuth,
} from "countersign/nestjs";
import express from "express";
import { auth, internalKey, revocations, users } from "../http/auth.ts";

@Controller()
class Profiles {
  @Get("profile")
  async profile(@CurrentPrincipal() caller: Principal, @CurrentContext() context: CallContext) {
    return { user_id: caller.userId, username: (await context.user())?.username };
  }

  @Get("public")
  @AllowAny()
  open() {
    return { message: "Anyone can access this" };
  }

  @Post("reports")
  @HttpCode(200)
  @Guards(isAuthenticated, hasPermission("reports:read"))
  reports(@Body() received: unknown) {
    return { received };
  }

  @Get("internal")
  @Authenticators(internalKey)
  internal() {
    return { status: "authorized" };
  }

  @Post("logout")
  @HttpCode(200)
  async logout(@CurrentPrincipal() { claims }: Principal) {
    await revocations.revokeToken(claims);
    return { status: "logged out" };
  }
}

@Module({
  imports: [nestAuth(auth, { users, guards: [isAuthenticated], body: express.json() })],
  controllers: [Profiles],
})
class App {}

// Nest's own parsers would read bodies before any guard.
export const app = await NestFactory.create(App, { bodyParser: false, logger: ["error", "warn"] });
