"""An independent witness of what a cloud holds, written against boto3 alone.

It shares nothing with the product: it reads tags, user data and attributes the
way anybody's script would. Each command takes one JSON object and prints one:

    witness.py ADDRESS REGION instances '{"environment": "many"}'
    witness.py ADDRESS REGION serve        # commands as lines on stdin
"""

import base64
import json
import sys
import traceback

import boto3
from botocore.config import Config

ENVIRONMENT = "trainyard:environment"


class Witness:
    def __init__(self, address, region):
        keys = {"aws_access_key_id": "WITNESS", "aws_secret_access_key": "witness"}
        place = {"endpoint_url": address, "region_name": region}
        paths = Config(s3={"addressing_style": "path"})
        self.region = region
        self.ec2 = boto3.client("ec2", **place, **keys)
        self.iam = boto3.client("iam", **place, **keys)
        self.s3 = boto3.client("s3", config=paths, **place, **keys)
        self.sts = boto3.client("sts", **place, **keys)

    # What is there.

    def instances(self, environment):
        """Every instance of an environment, terminated ones too."""
        pages = self.ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": f"tag:{ENVIRONMENT}", "Values": [environment]}]
        )
        found = [
            instance
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]
        volumes = {volume["id"]: volume for volume in self.volumes(environment)}
        return [self.describe(instance, volumes) for instance in found]

    def describe(self, instance, volumes):
        told = {
            "id": instance["InstanceId"],
            "state": instance["State"]["Name"],
            "type": instance["InstanceType"],
            "image": instance["ImageId"],
            "zone": instance.get("Placement", {}).get("AvailabilityZone"),
            "subnet": instance.get("SubnetId"),
            "key": instance.get("KeyName"),
            "token": instance.get("ClientToken"),
            "tags": tags_of(instance.get("Tags")),
        }
        told["ordinal"] = ordinal(told["tags"], instance.get("AmiLaunchIndex", 0))
        if told["state"] in ("terminated", "shutting-down"):
            return told
        profile = instance.get("IamInstanceProfile")
        options = instance.get("MetadataOptions", {})
        told["profile"] = profile and profile["Arn"].rsplit("/", 1)[-1]
        told["metadata"] = {
            "tokens": options.get("HttpTokens"),
            "hops": options.get("HttpPutResponseHopLimit"),
            "endpoint": options.get("HttpEndpoint"),
        }
        interfaces = instance.get("NetworkInterfaces", [])
        told["groups"] = sorted(
            group["GroupName"] for interface in interfaces for group in interface["Groups"]
        )
        told["interfaces"] = [
            interface["NetworkInterfaceId"] for interface in interfaces
        ]
        told["shutdown"] = self.attribute(
            told["id"], "instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior"
        )
        told["protected"] = self.attribute(
            told["id"], "disableApiTermination", "DisableApiTermination"
        )
        data = self.attribute(told["id"], "userData", "UserData")
        told["user_data"] = data and base64.b64decode(data).decode()
        told["disks"] = {
            mapping["DeviceName"]: {
                "ends_with_instance": mapping["Ebs"]["DeleteOnTermination"],
                **volumes.get(mapping["Ebs"]["VolumeId"], {"id": mapping["Ebs"]["VolumeId"]}),
            }
            for mapping in instance.get("BlockDeviceMappings", [])
        }
        return told

    def attribute(self, instance, name, key):
        answer = self.ec2.describe_instance_attribute(InstanceId=instance, Attribute=name)
        return answer.get(key, {}).get("Value")

    def volumes(self, environment):
        """Every volume that names an environment."""
        pages = self.ec2.get_paginator("describe_volumes").paginate(
            Filters=[{"Name": f"tag:{ENVIRONMENT}", "Values": [environment]}]
        )
        return [
            {
                "id": volume["VolumeId"],
                "size": volume["Size"],
                "type": volume["VolumeType"],
                "encrypted": volume["Encrypted"],
                "tags": tags_of(volume.get("Tags")),
            }
            for page in pages
            for volume in page["Volumes"]
        ]

    def all_volumes(self):
        """The ids of all volumes there are, tagged or not."""
        pages = self.ec2.get_paginator("describe_volumes").paginate()
        return [volume["VolumeId"] for page in pages for volume in page["Volumes"]]

    def interface_tags(self, ids):
        answer = self.ec2.describe_network_interfaces(NetworkInterfaceIds=ids)
        return [tags_of(one.get("TagSet")) for one in answer["NetworkInterfaces"]]

    def security_groups(self):
        """Every security group that wears a tag of ours."""
        answer = self.ec2.describe_security_groups(
            Filters=[{"Name": "tag-key", "Values": [ENVIRONMENT]}]
        )
        return [
            {
                "id": group["GroupId"],
                "tags": tags_of(group.get("Tags")),
                "from": sorted(
                    block["CidrIp"]
                    for rule in group["IpPermissions"]
                    for block in rule["IpRanges"]
                ),
            }
            for group in answer["SecurityGroups"]
        ]

    def key_pairs(self):
        """Every key pair by name, with its tags."""
        answer = self.ec2.describe_key_pairs()
        return {key["KeyName"]: tags_of(key.get("Tags")) for key in answer["KeyPairs"]}

    def placement_groups(self):
        """Every placement group by name, with its tags; moto has none."""
        answer = self.ec2.describe_placement_groups()
        return {
            group["GroupName"]: tags_of(group.get("Tags")) for group in answer["PlacementGroups"]
        }

    def group_ids(self, id):
        """The security groups that an instance is in."""
        instance = self.portrait(id)["all"]["instance"]
        return sorted(
            group["GroupId"]
            for interface in instance["NetworkInterfaces"]
            for group in interface["Groups"]
        )
    def circumstances(self, environment):
        """How each living instance was bought, and where it is and can be reached."""
        pages = self.ec2.get_paginator("describe_instances").paginate(
            Filters=[
                {"Name": f"tag:{ENVIRONMENT}", "Values": [environment]},
                {"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]},
            ]
        )
        return [
            {
                "id": instance["InstanceId"],
                "bought": instance.get("InstanceLifecycle", "on-demand"),
                "spot_request": instance.get("SpotInstanceRequestId"),
                "placement_group": instance["Placement"].get("GroupName") or None,
                "public_address": instance.get("PublicIpAddress") or None,
                "private_address": instance.get("PrivateIpAddress"),
                "tags_in_metadata": instance["MetadataOptions"].get("InstanceMetadataTags"),
            }
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]

    def spot_requests(self):
        """All spot requests, by id."""
        pages = self.ec2.get_paginator("describe_spot_instance_requests").paginate()
        return {
            one["SpotInstanceRequestId"]: {
                "type": one["Type"],
                "state": one["State"],
                "price": one.get("SpotPrice"),
                "interruption": one.get("InstanceInterruptionBehavior"),
                "instance": one.get("InstanceId"),
                "tags": tags_of(one.get("Tags")),
            }
            for page in pages
            for one in page["SpotInstanceRequests"]
        }

    def own_groups(self):
        """The security groups that name an environment, by name, each with who may come in."""
        pages = self.ec2.get_paginator("describe_security_groups").paginate(
            Filters=[{"Name": "tag-key", "Values": [ENVIRONMENT]}]
        )
        return {
            group["GroupName"]: {
                "id": group["GroupId"],
                "rules": sorted(
                    rule for form in group["IpPermissions"] for rule in rules_of(form)
                ),
                "tags": tags_of(group.get("Tags")),
            }
            for page in pages
            for group in page["SecurityGroups"]
        }

    def own_keys(self):
        """The key pairs that name an environment."""
        answer = self.ec2.describe_key_pairs(
            Filters=[{"Name": "tag-key", "Values": [ENVIRONMENT]}]
        )
        return [
            {"name": key["KeyName"], "tags": tags_of(key.get("Tags"))}
            for key in answer["KeyPairs"]
        ]

    def own_placement_groups(self):
        """The placement groups that name an environment."""
        answer = self.ec2.describe_placement_groups(
            Filters=[{"Name": "tag-key", "Values": [ENVIRONMENT]}]
        )
        return [
            {"name": group["GroupName"], "strategy": group["Strategy"], "tags": tags_of(group["Tags"])}
            for group in answer["PlacementGroups"]
        ]

    def images(self, owner, pattern):
        """Images with their names, newest first."""
        answer = self.ec2.describe_images(
            Owners=[owner], Filters=[{"Name": "name", "Values": [pattern]}]
        )
        newest = sorted(
            answer["Images"], key=lambda image: (image["CreationDate"], image["ImageId"])
        )
        return [
            {"id": image["ImageId"], "name": image["Name"], "owner": image["OwnerId"]}
            for image in reversed(newest)
        ]

    def subnets(self):
        answer = self.ec2.describe_subnets()
        return [
            {"id": subnet["SubnetId"], "zone": subnet["AvailabilityZone"]}
            for subnet in sorted(answer["Subnets"], key=lambda one: one["AvailabilityZone"])
        ]

    def objects(self, bucket):
        """The objects of a bucket by key, with what they hold."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {
            key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("latin-1")
            for key in keys
        }

    # What happens behind the product's back.

    def terminate(self, ids):
        self.ec2.terminate_instances(InstanceIds=ids)

    def protect(self, id, on):
        self.ec2.modify_instance_attribute(InstanceId=id, DisableApiTermination={"Value": on})

    def tag(self, id, key, value):
        self.ec2.create_tags(Resources=[id], Tags=[{"Key": key, "Value": value}])

    def untag(self, id, key):
        self.ec2.delete_tags(Resources=[id], Tags=[{"Key": key}])

    def stop(self, id):
        self.ec2.stop_instances(InstanceIds=[id])
        self.ec2.get_waiter("instance_stopped").wait(
            InstanceIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    def retype(self, id, type):
        self.stop(id)
        self.ec2.modify_instance_attribute(InstanceId=id, InstanceType={"Value": type})
        self.ec2.start_instances(InstanceIds=[id])
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    def loose_volume(self, size, tags):
        """A volume that is attached to nothing."""
        zone = self.subnets()[0]["zone"]
        answer = self.ec2.create_volume(
            AvailabilityZone=zone,
            Size=size,
            TagSpecifications=[
                {
                    "ResourceType": "volume",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
        return answer["VolumeId"]

    def attach_volume(self, instance, size, device):
        """A volume without tags, as somebody attaches one by hand."""
        answer = self.ec2.describe_instances(InstanceIds=[instance])
        zone = answer["Reservations"][0]["Instances"][0]["Placement"]["AvailabilityZone"]
        volume = self.ec2.create_volume(AvailabilityZone=zone, Size=size)["VolumeId"]
        self.ec2.attach_volume(InstanceId=instance, VolumeId=volume, Device=device)
        return volume

    def attach_address(self, instance):
        """An elastic address on an instance."""
        made = self.ec2.allocate_address(Domain="vpc")
        self.ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=instance)
        return {"id": made["AllocationId"], "address": made["PublicIp"]}

    def addresses(self):
        """The ids of the elastic addresses, and who has them."""
        found = self.ec2.describe_addresses()["Addresses"]
        return {one["AllocationId"]: one.get("InstanceId") for one in found}

    def launch(self, image, tags):
        """An instance of somebody else's."""
        answer = self.ec2.run_instances(
            ImageId=image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
        id = answer["Instances"][0]["InstanceId"]
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        return id

    def launch_by_hand(self, parameters):
        """What anybody's script launches: raw parameters of boto3; the ids in order."""
        parameters = {"MinCount": 1, "MaxCount": 1, **parameters}
        answer = self.ec2.run_instances(**parameters)
        launched = sorted(answer["Instances"], key=lambda one: one["AmiLaunchIndex"])
        ids = [one["InstanceId"] for one in launched]
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        return ids

    def portrait(self, id):
        """All that boto3 tells of an instance and its disks, with the tags by themselves."""
        answer = self.ec2.describe_instances(InstanceIds=[id])
        instance = answer["Reservations"][0]["Instances"][0]
        tags = {id: tags_of(instance.pop("Tags", []))}
        if instance["State"]["Name"] == "terminated":
            return {"state": "terminated", "tags": tags}
        disks = [one["Ebs"]["VolumeId"] for one in instance["BlockDeviceMappings"]]
        volumes = self.ec2.describe_volumes(VolumeIds=disks)["Volumes"] if disks else []
        for volume in volumes:
            tags[volume["VolumeId"]] = tags_of(volume.pop("Tags", []))
        for interface in instance.get("NetworkInterfaces", []):
            name = interface["NetworkInterfaceId"]
            [tags[name]] = self.interface_tags([name])
        attributes = {
            key: self.attribute(id, name, key)
            for name, key in [
                ("instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior"),
                ("disableApiTermination", "DisableApiTermination"),
                ("userData", "UserData"),
            ]
        }
        all = {"instance": instance, "volumes": volumes, "attributes": attributes}
        state = instance["State"]["Name"]
        return {"state": state, "tags": tags, "all": json.loads(json.dumps(all, default=str))}

    def copy_tags(self, source, target):
        """What the console's "launch more like this" does."""
        copied = self.portrait(source)["tags"][source]
        tags = [{"Key": key, "Value": value} for key, value in copied.items()]
        self.ec2.create_tags(Resources=[target], Tags=tags)
    def persistent(self, image, token, tags):
        """A spot instance that is launched again whenever it ends."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        answer = self.ec2.run_instances(
            ImageId=image,
            InstanceType="t3.small",
            MinCount=1,
            MaxCount=1,
            ClientToken=token,
            InstanceMarketOptions={
                "MarketType": "spot",
                "SpotOptions": {
                    "SpotInstanceType": "persistent",
                    "InstanceInterruptionBehavior": "stop",
                },
            },
            TagSpecifications=[
                {"ResourceType": kind, "Tags": listed}
                for kind in ("instance", "volume", "spot-instances-request")
            ],
        )
        id = answer["Instances"][0]["InstanceId"]
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        return id

    def copy(self, environment, names):
        """The instances of an environment once more, under each of these names."""
        pages = self.ec2.describe_instances(
            Filters=[{"Name": f"tag:{ENVIRONMENT}", "Values": [environment]}]
        )
        models = pages["Reservations"][0]["Instances"]
        model = models[0]
        data = self.attribute(model["InstanceId"], "userData", "UserData")
        options = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint")
        for name in names:
            tags = tags_of(model["Tags"]) | {ENVIRONMENT: name}
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            self.ec2.run_instances(
                ImageId=model["ImageId"],
                InstanceType=model["InstanceType"],
                MinCount=len(models),
                MaxCount=len(models),
                ClientToken=f"{model['ClientToken'][:40]}-{name}"[:64],
                Placement={"AvailabilityZone": model["Placement"]["AvailabilityZone"]},
                BlockDeviceMappings=[
                    {
                        "DeviceName": model["RootDeviceName"],
                        "Ebs": {"VolumeType": "gp3", "DeleteOnTermination": True},
                    }
                ],
                MetadataOptions={key: model["MetadataOptions"][key] for key in options},
                InstanceInitiatedShutdownBehavior="terminate",
                UserData=base64.b64decode(data).decode(),
                TagSpecifications=[
                    {"ResourceType": kind, "Tags": listed}
                    for kind in ("instance", "volume", "network-interface")
                ],
            )

    def let_in(self, group, port, block):
        ranges = [{"CidrIp": block}]
        form = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[form])

    def session(self, role, name):
        """The keys of somebody else: a session of a role."""
        arn = f"arn:aws:iam::123456789012:role/{role}"
        answer = self.sts.assume_role(RoleArn=arn, RoleSessionName=name)
        return answer["Credentials"] | {"Expiration": None}

    # What a spec may name.

    def network(self, block):
        """A network that is not the default one, with a subnet and a security group."""
        vpc = self.ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
        # Who names no zone is given any of them by moto, and one has none of today's types.
        zone = self.subnets()[0]["zone"]
        answer = self.ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)
        subnet = answer["Subnet"]["SubnetId"]
        group = self.ec2.create_security_group(
            GroupName="inside", Description="inside", VpcId=vpc
        )["GroupId"]
        return {"subnet": subnet, "group": group}

    def profile(self, name):
        self.iam.create_instance_profile(InstanceProfileName=name)

    def key(self, name):
        public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q x"
        self.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=public.encode())

    def drop_key(self, name):
        self.ec2.delete_key_pair(KeyName=name)

    def wear(self, instance, groups):
        """Gives an instance these security groups alone."""
        self.ec2.modify_instance_attribute(InstanceId=instance, Groups=groups)

    def drop_group(self, id, wearers):
        """Once these instances, which are ending, hold it no more."""
        if wearers:
            self.ec2.get_waiter("instance_terminated").wait(
                InstanceIds=wearers, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
            )
        self.ec2.delete_security_group(GroupId=id)

    def drop_volume(self, id):
        self.ec2.delete_volume(VolumeId=id)

    def group(self, name):
        return self.ec2.create_security_group(GroupName=name, Description=name)["GroupId"]

    def bucket(self, name):
        place = {"LocationConstraint": self.region}
        more = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": place}
        self.s3.create_bucket(Bucket=name, **more)

    def put(self, bucket, key, text):
        self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())

    def answer(self, command, arguments):
        if command.startswith("_") or command == "answer":
            raise ValueError(f"no command {command}")
        return getattr(self, command)(**arguments)


def tags_of(listed):
    return {tag["Key"]: tag["Value"] for tag in listed or []}


def rules_of(form):
    """Who may come in, such as `tcp 22 from 203.0.113.7/32 (ssh for alex)`."""
    what = form["IpProtocol"]
    if "FromPort" in form:
        ports = (form["FromPort"], form["ToPort"])
        what += f" {ports[0]}" if ports[0] == ports[1] else f" {ports[0]}-{ports[1]}"
    sources = [(one["CidrIp"], one) for one in form.get("IpRanges", [])]
    sources += [(one["CidrIpv6"], one) for one in form.get("Ipv6Ranges", [])]
    sources += [("a group", one) for one in form.get("UserIdGroupPairs", [])]
    return [f"{what} from {source} ({one.get('Description', '')})" for source, one in sources]


def ordinal(tags, index):
    """The number of an instance, out of the numbers of its launch such as `0-3,7`."""
    numbers = []
    for part in tags.get("trainyard:ordinals", "").split(","):
        first, _, last = part.partition("-")
        if first:
            numbers += range(int(first), int(last or first) + 1)
    return numbers[index] if index < len(numbers) else None


def main():
    address, region, command, *arguments = sys.argv[1:]
    witness = Witness(address, region)
    if command != "serve":
        told = witness.answer(command, json.loads(arguments[0]) if arguments else {})
        print(json.dumps(told, indent=2))
        return
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"told": witness.answer(question["command"], question["arguments"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
