// The page's words in English and Japanese. The key is the English word itself.

const JAPANESE = {
  Platform: "プラットフォーム", Service: "サービス", Services: "サービス", Nodes: "ノード", Rehearsal: "リハーサル", Record: "記録",
  Commands: "コマンド", Map: "マップ", "Log in": "ログイン", "Log out": "ログアウト", Token: "トークン", Theme: "テーマ",
  "Paste the token, or open the link that `kiban up` prints.": "トークンを貼り付けるか、`kiban up` が表示するリンクを開いてください。",
  Filter: "絞り込み", "Worst first": "悪い順", "By name": "名前順", Page: "ページ", of: "/", Previous: "前へ", Next: "次へ",
  ready: "準備完了", waiting: "待機中", syncing: "同期中", synced: "同期済み", degraded: "劣化", drifted: "手動変更あり", failing: "失敗中", refused: "拒否",
  Healthy: "正常", Progressing: "進行中", Degraded: "異常", Missing: "なし", Unknown: "不明", Suspended: "停止中",
  starting: "起動中", draining: "終了中", ended: "終了",
  "all well": "すべて正常", unwell: "異常あり", services: "サービス", found: "件",
  "What changed": "最近の変更", "Nothing yet": "まだありません", "by": "", Team: "チーム",
  Promote: "昇格", "Roll back": "ロールバック", Release: "リリース", Logs: "ログ", Events: "イベント", Pods: "Pod",
  Objects: "オブジェクト", Timeline: "タイムライン", "Uses and used by": "依存関係", Load: "負荷", Config: "設定", Open: "開く", Close: "閉じる", Cancel: "取消",
  "Do it": "実行", Preview: "プレビュー", "What would happen": "実行内容", "The same on the command line": "コマンドラインでは",
  "You may not do this": "権限がありません", running: "実行中", done: "完了", "failed with": "失敗 終了コード",
  requests: "リクエスト", errors: "エラー", latency: "レイテンシ", restarts: "再起動", node: "ノード", zone: "ゾーン", since: "開始", why: "理由",
  Zone: "ゾーン", Node: "ノード", Type: "タイプ", CPU: "CPU", Memory: "メモリ", Cost: "費用", spot: "スポット", cordoned: "隔離", asked: "要求", used: "使用",
  "an hour": "毎時", unpriced: "価格不明", When: "日時", Who: "誰が", What: "何を", Result: "結果", Why: "理由", More: "続き",
  Deployments: "デプロイ回数", "a day": "毎日", "Lead time": "リードタイム", "Failure rate": "失敗率", "Time to restore": "復旧時間",
  "No report yet. Make one:": "レポートがありません。作成:", "Show": "表示", "Side by side": "並べて表示",
  "Choose a command": "コマンドを選ぶ", Run: "実行", required: "必須", "There is no such service": "そのサービスはありません",
  "not connected, trying again": "切断されました。再接続中", "an older page": "古い表示", Search: "検索", "Everything on one map": "全体図",
  "problems": "問題", "fix": "対処", "released": "リリース", "not deployed here": "未配置", "Follow": "追跡", "Keys": "キー操作",
  "Search or filter": "検索・絞り込み", "Go to platform": "プラットフォームへ", "Go to nodes": "ノードへ", "Go to record": "記録へ", "Close what is open": "閉じる", "Light or dark": "明暗の切替", "All environments": "全環境", addresses: "アドレス", "releases wait in": "リリース待機中:", "Only what was delivered": "配信分のみ", "The whole tree": "すべて表示",
  "Show what changed last": "最近の変更を表示", "No load was measured": "負荷の計測がありません", "No pods": "Pod がありません", "No events": "イベントがありません", "seconds": "秒", "minutes": "分", "hours": "時間", "days": "日",
  "waits for": "待機:", "delivered": "配信済み", "The page asks nothing outside of this server.": "このページは外部に何も要求しません。",
};

let language = localStorage.getItem("language") ?? (navigator.language.startsWith("ja") ? "ja" : "en");

/** A word in the language of the page. */
export function t(word) {
  return language === "ja" ? (JAPANESE[word] ?? word) : word;
}

export function currentLanguage() {
  return language;
}

export function speak(wanted) {
  language = wanted;
  localStorage.setItem("language", wanted);
  document.documentElement.lang = wanted;
}

document.documentElement.lang = language;
