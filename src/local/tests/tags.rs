use super::rig::Rig;

const KEY: &str = "TagSpecification.1.Tag.1.Key";
const VALUE: &str = "TagSpecification.1.Tag.1.Value";
const KIND: &str = "TagSpecification.1.ResourceType";

#[tokio::test]
async fn a_launch_tags_all_that_it_makes() {
    let rig = Rig::new();
    let mut fields = vec![(
        "InstanceMarketOptions.MarketType".to_owned(),
        "spot".to_owned(),
    )];
    for (number, kind) in [
        "instance",
        "volume",
        "network-interface",
        "spot-instances-request",
    ]
    .into_iter()
    .enumerate()
    {
        let at = format!("TagSpecification.{}", number + 1);
        fields.push((format!("{at}.ResourceType"), kind.to_owned()));
        fields.push((format!("{at}.Tag.1.Key"), "env".to_owned()));
        fields.push((format!("{at}.Tag.1.Value"), kind.to_owned()));
    }
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    rig.running("1", &fields).await;
    let tags = rig.ok("DescribeTags", &[]).await;
    let mut kinds = tags.all("resourceType");
    let mut values = tags.all("value");
    kinds.sort_unstable();
    values.sort_unstable();
    assert_eq!(kinds, values);
    assert_eq!(
        kinds,
        [
            "instance",
            "network-interface",
            "spot-instances-request",
            "volume"
        ]
    );
    let mine = [("Filter.1.Name", "tag:env"), ("Filter.1.Value.1", "vol*")];
    assert_eq!(
        rig.ok("DescribeTags", &mine).await.all("resourceType"),
        ["volume"]
    );
}

#[tokio::test]
async fn tags_have_limits() {
    let rig = Rig::new();
    let (longest, long) = ("k".repeat(127), "k".repeat(128));
    let (wide, wider) = ("v".repeat(256), "v".repeat(257));
    for (key, value, code) in [
        (long.as_str(), "v", "InvalidParameterValue"),
        ("k", wider.as_str(), "InvalidParameterValue"),
        ("aws:x", "v", "InvalidParameterValue"),
        ("AwS:x", "v", "InvalidParameterValue"),
        ("", "v", "InvalidParameterValue"),
    ] {
        let refused = rig
            .launch("1", &[(KIND, "instance"), (KEY, key), (VALUE, value)])
            .await;
        assert_eq!(refused.one("Code"), code, "{key}");
    }
    let ids = rig
        .running("1", &[(KIND, "instance"), (KEY, &longest), (VALUE, &wide)])
        .await;
    let id = ids.first().expect("one").as_str();
    let mut fields = vec![("ResourceId.1".to_owned(), id.to_owned())];
    for number in 1..=50 {
        fields.push((format!("Tag.{number}.Key"), format!("k{number}")));
    }
    let all: Vec<(&str, &str)> = fields
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    rig.refused("CreateTags", &all, "TagLimitExceeded").await;
    rig.ok("CreateTags", all.get(..50).expect("fifty")).await;
    assert_eq!(rig.ok("DescribeTags", &[]).await.all("key").len(), 50);
    let wrong = rig
        .launch("1", &[(KIND, "vpc"), (KEY, "k"), (VALUE, "v")])
        .await;
    assert_eq!(wrong.one("Code"), "InvalidParameterValue");
}

#[tokio::test]
async fn tags_go_by_key_by_value_or_all() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let resource = ("ResourceId.1", ids.first().expect("one").as_str());
    rig.ok(
        "CreateTags",
        &[
            resource,
            ("Tag.1.Key", "a"),
            ("Tag.1.Value", "1"),
            ("Tag.2.Key", "b"),
            ("Tag.3.Key", "c"),
        ],
    )
    .await;
    rig.ok(
        "DeleteTags",
        &[resource, ("Tag.1.Key", "a"), ("Tag.1.Value", "2")],
    )
    .await;
    assert_eq!(
        rig.ok("DescribeTags", &[]).await.all("key"),
        ["a", "b", "c"]
    );
    rig.ok(
        "DeleteTags",
        &[
            resource,
            ("Tag.1.Key", "a"),
            ("Tag.1.Value", "1"),
            ("Tag.2.Key", "b"),
        ],
    )
    .await;
    assert_eq!(rig.ok("DescribeTags", &[]).await.all("key"), ["c"]);
    rig.ok("DeleteTags", &[resource]).await;
    assert!(rig.ok("DescribeTags", &[]).await.all("key").is_empty());
}

#[tokio::test]
async fn one_unknown_resource_leaves_all_untagged() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let resource = ("ResourceId.1", ids.first().expect("one").as_str());
    for (id, code) in [
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("vol-0123456789abcdef0", "InvalidVolume.NotFound"),
        ("i-*", "InvalidInstanceID.Malformed"),
        ("banana", "InvalidID"),
        ("", "InvalidID"),
    ] {
        let fields = [resource, ("ResourceId.2", id), ("Tag.1.Key", "a")];
        rig.refused("CreateTags", &fields, code).await;
    }
    assert!(rig.ok("DescribeTags", &[]).await.all("key").is_empty());
}

#[tokio::test]
async fn hostile_tags_stay_text() {
    let rig = Rig::new();
    let hostile = "</value><x>&\"'\r\n\u{1b}[31m\u{202e}";
    let ids = rig.running("1", &[]).await;
    let resource = ("ResourceId.1", ids.first().expect("one").as_str());
    rig.ok(
        "CreateTags",
        &[resource, ("Tag.1.Key", "k"), ("Tag.1.Value", hostile)],
    )
    .await;
    let seen = rig.ok("DescribeTags", &[]).await;
    assert_eq!(
        seen.one("value"),
        "&lt;/value&gt;&lt;x&gt;&amp;&quot;&apos;&#xD;\n\u{fffd}[31m\u{202e}"
    );
}

#[tokio::test]
async fn tags_that_the_metadata_service_cannot_serve_bar_it() {
    let rig = Rig::new();
    let tagged = |key| {
        [
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", key),
            ("TagSpecification.1.Tag.1.Value", "x"),
        ]
    };
    let served = ("MetadataOptions.InstanceMetadataTags", "enabled");
    for key in ["cost centre", "team/blue", "..", "_index"] {
        let mut fields = tagged(key).to_vec();
        let ids = rig.running("1", &fields).await;
        let id = ids.first().expect("one").as_str();
        let enable = [("InstanceId", id), ("InstanceMetadataTags", "enabled")];
        let refused = "InvalidParameterValue";
        rig.refused("ModifyInstanceMetadataOptions", &enable, refused)
            .await;
        fields.push(served);
        let launched = rig.launch("1", &fields).await;
        assert_eq!(launched.one("Code"), refused, "{key}");
    }
    let mut fields = tagged("trainyard:env").to_vec();
    fields.push(served);
    let ids = rig.running("1", &fields).await;
    let id = ids.first().expect("one").as_str();
    let seen = rig.ok("DescribeInstances", &[("InstanceId.1", id)]).await;
    assert_eq!(seen.one("instanceMetadataTags"), "enabled");
    let more = [
        ("ResourceId.1", id),
        ("Tag.1.Key", "a b"),
        ("Tag.1.Value", ""),
    ];
    rig.refused("CreateTags", &more, "InvalidParameterValue")
        .await;
    let disable = [("InstanceId", id), ("InstanceMetadataTags", "disabled")];
    rig.ok("ModifyInstanceMetadataOptions", &disable).await;
    rig.ok("CreateTags", &more).await;
}
