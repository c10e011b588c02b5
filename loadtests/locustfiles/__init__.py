"""Locust files, played unchanged as sessions of the shopper's client: a stand-in for Locust that their code imports."""
