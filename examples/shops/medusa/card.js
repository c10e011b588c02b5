// A payment provider that captures at once and declines the token "declined".
const { randomUUID } = require("node:crypto");
const { AbstractPaymentProvider, ModuleProvider, Modules } = require("@medusajs/framework/utils");

class Card extends AbstractPaymentProvider {
  static identifier = "card";

  async initiatePayment({ data }) {
    return { id: randomUUID(), data: { token: data?.token } };
  }

  async authorizePayment({ data }) {
    return { data, status: data.token === "declined" ? "error" : "captured" };
  }

  async getPaymentStatus() {
    return { status: "captured" };
  }

  async updatePayment({ data }) { return { data }; }
  async deletePayment({ data }) { return { data }; }
  async capturePayment({ data }) { return { data }; }
  async retrievePayment({ data }) { return { data }; }
  async refundPayment({ data }) { return { data }; }
  async cancelPayment({ data }) { return { data }; }

  async getWebhookActionAndData() {
    return { action: "not_supported" };
  }
}

module.exports = ModuleProvider(Modules.PAYMENT, { services: [Card] });
