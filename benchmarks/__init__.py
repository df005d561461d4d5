"""What the gate costs, beside a pass-through in the same run. Not part of the product."""
