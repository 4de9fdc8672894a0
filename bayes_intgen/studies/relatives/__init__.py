"""The model beside the methods of related work, on systems of its kind and of theirs."""
