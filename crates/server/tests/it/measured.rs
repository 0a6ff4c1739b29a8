//! What an experiment's page, its JSON and the API say of funnels, distributions and adjusted lifts.

use crate::world::{World, words};

/// The shop with a funnel, a quantile, and lifts adjusted for the country.
async fn world() -> World {
    World::changed(|path, text| match path {
        "metrics/shop.yaml" => {
            let more = "  - name: second_order
    label: Second order within a month
    type: simple
    type_params: {measure: orders}
    config: {meta: {steward: {owner: cleo, funnel: {steps: [orders, {metric: second_order, within: 30d}]}}}}
  - name: typical_spend
    label: Typical spend
    type: simple
    type_params: {measure: paid}
    config: {meta: {steward: {owner: cleo, unit: currency, quantile: {at: 0.5, ignore_zeros: true}}}}
";
            format!("{text}\n{more}")
        }
        "experiments/checkout.yaml" => {
            let text = text.replacen("  primary:\n", "  primary:\n    - second_order\n    - typical_spend\n    - revenue\n", 1);
            let text = text.replace("  secondary:\n    - revenue\n", "");
            format!("{}\nadjust: {{covariates: [{{metric: orders, before: 60d}}], strata: [user__country], variance: hc3}}\n", text.trim_end())
        }
        _ => text,
    })
    .await
    .evaluated()
    .await
}

#[tokio::test]
async fn funnels_distributions_and_adjusted_lifts_are_drawn_with_their_tables() {
    let world = world().await;
    let page = world.page("/k/experiment/checkout?quantiles=revenue").await;
    let text = words(&page);
    for said in [
        "Second order within a month, treatment against control: units by step reached",
        "Lift over the step before",
        "Typical spend, treatment: lift at each quantile of units other than 0",
        "Revenue, treatment: lift at each quantile of units",
        "Adjusted by regression with interactions on orders over 60 days before",
        "variance hc3",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let readout: serde_json::Value =
        serde_json::from_str(&world.answer("/k/experiment/checkout.json").await.text).unwrap();
    let of = |name: &str| {
        let all = readout["metrics"].as_array().unwrap();
        all.iter().find(|m| m["metric"] == name).unwrap().clone()
    };
    // The first step of the funnel is the metric orders, the last the metric itself.
    let funnel = of("second_order");
    let steps = funnel["funnel"].as_array().unwrap();
    assert_eq!(
        (steps[0]["metric"].as_str(), steps[1]["metric"].as_str()),
        (Some("orders"), Some("second_order"))
    );
    assert!(steps[0]["units"][0].as_u64() > steps[1]["units"][0].as_u64());
    // Of a lift with adjustment the raw one stands beside.
    let revenue = of("revenue");
    assert_eq!(revenue["adjustment"]["covariates"][0], "orders over 60 days before");
    assert_ne!(revenue["raw"]["absolute"]["point"], revenue["absolute"]["point"]);
    assert!(revenue["variance_reduction"].is_number());
    // Not asked for, revenue has no curve; the page offers it.
    assert!(
        readout["quantiles"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["metric"] == "typical_spend")
    );
    assert!(
        world
            .page("/k/experiment/checkout")
            .await
            .contains("href=\"?quantiles=revenue#quantiles\"")
    );
}

#[tokio::test]
async fn the_api_takes_metrics_to_draw_and_names_those_it_does_not_know() {
    let world = world().await;
    let answer = world
        .answer("/api/v1/experiments/checkout/readout?quantiles=revenue,orders")
        .await;
    let readout: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    let names: Vec<&str> = readout["quantiles"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c["metric"].as_str())
        .collect();
    assert!(
        names.contains(&"revenue") && names.contains(&"typical_spend"),
        "{names:?}"
    );
    let points = readout["quantiles"][0]["points"].as_array().unwrap();
    assert!(
        points.iter().all(|p| p["at"].is_number() && p["absolute"].is_object()),
        "{points:?}"
    );
    let refused = world
        .answer("/api/v1/experiments/checkout/readout?quantiles=revenu")
        .await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    assert!(refused.text.contains("revenue"), "{}", refused.text);
}
