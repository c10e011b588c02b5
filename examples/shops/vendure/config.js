// The shop's settings: PostgreSQL by VENDURE_DB, the port by PORT; no admin UI, no assets, no e-mail.
const { DefaultJobQueuePlugin, DefaultLogger, DefaultSearchPlugin, LogLevel, dummyPaymentHandler } = require("@vendure/core");

process.env.VENDURE_DISABLE_TELEMETRY = "true";
if (!process.env.VENDURE_DB) throw new Error("VENDURE_DB names the database: postgresql://user@/vendure?host=/var/run/postgresql");

exports.config = {
  apiOptions: { hostname: "127.0.0.1", port: Number(process.env.PORT || 3000) },
  // A cookie keeps the session, as in Vendure's default.
  authOptions: { tokenMethod: "cookie", superadminCredentials: { identifier: "superadmin", password: "superadmin" } },
  dbConnectionOptions: {
    type: "postgres",
    synchronize: false,
    extra: { connectionString: process.env.VENDURE_DB, max: 20, options: "-c TimeZone=UTC" },
  },
  // The audit finds a run's orders by this field.
  customFields: { Order: [{ name: "run", type: "string", nullable: true }] },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins: [DefaultJobQueuePlugin.init({}), DefaultSearchPlugin.init({ bufferUpdates: false, indexStockStatus: true })],
  logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: true }),
};
