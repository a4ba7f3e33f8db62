"""Many calls as one job: batches, what they keep on disk, and how they show how far they are."""
