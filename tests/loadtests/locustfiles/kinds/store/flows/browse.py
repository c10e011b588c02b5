from locust import TaskSet, task


class Browse(TaskSet):
    @task(3)
    def product(self):
        self.client.get("/api/products/101", name="product")

    @task
    def enough(self):
        self.interrupt()
