// Fills the migrated, empty database from catalogue.json and writes the API key of its shop into publishable-key.txt.
const { writeFileSync } = require("node:fs");
const flows = require("@medusajs/medusa/core-flows");
const { ContainerRegistrationKeys, Modules, ProductStatus } = require("@medusajs/framework/utils");
const catalogue = require("./catalogue.json");

const CURRENCY = "gbp";
const COUNTRY = "gb";

exports.default = async function seed({ container }) {
  const run = async (workflow, input) => (await workflow(container).run({ input })).result;
  const [channel] = await run(flows.createSalesChannelsWorkflow, { salesChannelsData: [{ name: "Shop" }] });
  await run(flows.createRegionsWorkflow, {
    regions: [{ name: "United Kingdom", currency_code: CURRENCY, countries: [COUNTRY], payment_providers: ["pp_card_card"] }],
  });
  await run(flows.createTaxRegionsWorkflow, [{ country_code: COUNTRY, provider_id: "tp_system" }]);
  const [warehouse] = await run(flows.createStockLocationsWorkflow, { locations: [{ name: "London" }] });
  await run(flows.linkSalesChannelsToStockLocationWorkflow, { id: warehouse.id, add: [channel.id] });
  const profile = await offerShipping(container, run, warehouse);
  await sell(container, run, { channel, warehouse, profile });
  const [key] = await run(flows.createApiKeysWorkflow, { api_keys: [{ title: "Shop", type: "publishable", created_by: "" }] });
  await run(flows.linkSalesChannelsToApiKeyWorkflow, { id: key.id, add: [channel.id] });
  writeFileSync(process.env.MEDUSA_KEY_FILE || "publishable-key.txt", key.token);
  const [secret] = await run(flows.createApiKeysWorkflow, { api_keys: [{ title: "Cleanup", type: "secret", created_by: "" }] });
  writeFileSync("secret-key.txt", secret.token, { mode: 0o600 });
};

async function offerShipping(container, run, warehouse) {
  const fulfillment = container.resolve(Modules.FULFILLMENT);
  const link = container.resolve(ContainerRegistrationKeys.LINK);
  const here = { [Modules.STOCK_LOCATION]: { stock_location_id: warehouse.id } };
  await link.create({ ...here, [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" } });
  const [existing] = await fulfillment.listShippingProfiles({ type: "default" });
  const profile = existing ?? (await run(flows.createShippingProfilesWorkflow, { data: [{ name: "Default", type: "default" }] }))[0];
  const set = await fulfillment.createFulfillmentSets({
    name: "Delivery", type: "shipping",
    service_zones: [{ name: "United Kingdom", geo_zones: [{ type: "country", country_code: COUNTRY }] }],
  });
  await link.create({ ...here, [Modules.FULFILLMENT]: { fulfillment_set_id: set.id } });
  await run(flows.createShippingOptionsWorkflow, [{
    name: "Standard", price_type: "flat", provider_id: "manual_manual", service_zone_id: set.service_zones[0].id,
    shipping_profile_id: profile.id, type: { label: "Standard", description: "In three days", code: "standard" },
    prices: [{ currency_code: CURRENCY, amount: 5 }],
    rules: [{ attribute: "enabled_in_store", value: "true", operator: "eq" }, { attribute: "is_return", value: "false", operator: "eq" }],
  }]);
  return profile;
}

async function sell(container, run, { channel, warehouse, profile }) {
  await run(flows.createProductsWorkflow, {
    products: catalogue.map(({ title, handle, price, sizes }) => ({
      title, handle, status: ProductStatus.PUBLISHED, shipping_profile_id: profile.id, sales_channels: [{ id: channel.id }],
      options: [{ title: "Size", values: sizes }],
      variants: sizes.map((size) => ({
        title: size, sku: `${handle}-${size}`.toUpperCase(), options: { Size: size }, manage_inventory: true,
        prices: [{ amount: price, currency_code: CURRENCY }],
      })),
    })),
  });
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const { data: items } = await query.graph({ entity: "inventory_item", fields: ["id", "sku"] });
  const stock = new Map(catalogue.flatMap(({ handle, sizes, stock }) => sizes.map((size) => [`${handle}-${size}`.toUpperCase(), stock])));
  await run(flows.createInventoryLevelsWorkflow, {
    inventory_levels: items.map(({ id, sku }) => ({ location_id: warehouse.id, inventory_item_id: id, stocked_quantity: stock.get(sku) })),
  });
}
