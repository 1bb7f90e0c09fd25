"""What a person writes, as typed and checked objects: the contract, its schemas and its price books."""
