// Makes the tables and fills the shop from catalogue.json; the database must be empty.
const { JobQueueService, bootstrap } = require("@vendure/core");
const { populate } = require("@vendure/core/cli");
const { mkdtempSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { products, ...initialData } = require("./catalogue.json");
const { config } = require("./config.js");

const COLUMNS = ["name", "slug", "description", "assets", "facets", "optionGroups", "optionValues", "sku", "price",
  "taxCategory", "stockOnHand", "trackInventory", "variantAssets", "variantFacets"];

function rows({ name, slug, price, stock, sizes }) {
  return sizes.map((size, index) => ({
    ...(index === 0 ? { name, slug, facets: "category:Clothes", optionGroups: "size" } : {}),
    optionValues: size, sku: `${slug}-${size}`.toUpperCase(), price, taxCategory: "standard", stockOnHand: stock,
    trackInventory: "true",
  }));
}

async function seed() {
  const csv = join(mkdtempSync(join(tmpdir(), "vendure-")), "products.csv");
  const lines = products.flatMap(rows).map((row) => COLUMNS.map((column) => row[column] ?? "").join(","));
  writeFileSync(csv, [COLUMNS.join(","), ...lines].join("\n"));
  const making = { ...config, dbConnectionOptions: { ...config.dbConnectionOptions, synchronize: true } };
  const app = await populate(async () => {
    const started = await bootstrap(making);
    await started.get(JobQueueService).start();
    return started;
  }, initialData, csv);
  // The search index is made by a job.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await app.close();
}

seed().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
