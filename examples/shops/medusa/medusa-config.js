// The shop's settings: PostgreSQL by MEDUSA_DB; no admin, no Redis; cards by card.js.
const { defineConfig } = require("@medusajs/framework/utils");

if (!process.env.MEDUSA_DB) throw new Error("MEDUSA_DB names the database, such as postgresql://user@127.0.0.1/medusa");

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.MEDUSA_DB,
    databaseDriverOptions: { connection: { ssl: false }, pool: { min: 0, max: 20 } },
    http: { storeCors: "*", adminCors: "*", authCors: "*", jwtSecret: "example", cookieSecret: "example" },
  },
  modules: [
    { resolve: "@medusajs/medusa/payment", options: { providers: [{ resolve: require.resolve("./card.js"), id: "card" }] } },
  ],
});
