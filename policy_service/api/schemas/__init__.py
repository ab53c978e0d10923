"""What requests and answers hold, as marshmallow schemas: they judge requests, and OpenAPI is generated from them."""
