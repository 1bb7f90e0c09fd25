"""Facts become money per unit. Enters: events and bills. Leaves: sums that are priced, allocated and reconciled."""
