"""GraphQL over one path: each operation under a name of its own, errors in a 200, tags."""

import json

from locust import HttpUser, constant, tag, task


class Reader(HttpUser):
    wait_time = constant(0.01)

    def ask(self, name, query, **variables):
        body = {"query": query, "variables": variables}
        with self.client.post("/graphql", json=body, name=f"graphql {name}", catch_response=True) as answer:
            told = answer.json()
            if "errors" in told:
                answer.failure(json.dumps(told["errors"]))
            return told.get("data")

    @tag("read")
    @task(3)
    def products(self):
        self.ask("products", "query { products }", first=20)

    @tag("read", "detail")
    @task(2)
    def product(self):
        self.ask("product", "query { product }", id="UHJvZHVjdDo3Mg==")

    @tag("write")
    @task
    def lines(self):
        self.client.post(
            "/graphql",
            data=json.dumps({"query": "mutation { add }"}),
            headers={"content-type": "application/json"},
            name="graphql add",
        )
