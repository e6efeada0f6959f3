"""A moto server that knows one call more: moto has no placement groups, so it lists none.

Without it moto answers with a page of its own, which is no answer of AWS, and what
cannot be listed is never taken for nothing.
"""

import sys

from moto.ec2.responses import EC2Response
from moto.server import main

NONE = """<DescribePlacementGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>00000000-0000-4000-8000-000000000000</requestId>
  <placementGroupSet/>
</DescribePlacementGroupsResponse>"""


def describe_placement_groups(self):
    return NONE


EC2Response.describe_placement_groups = describe_placement_groups

if __name__ == "__main__":
    main(sys.argv[1:])
