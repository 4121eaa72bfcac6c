//! Words of Indonesian, Malay, Filipino, Vietnamese, Thai and its neighbours, Japanese, Korean and Chinese
//! by which the screen tells a bank's or an authority's message. See `lexicon`.
//!
//! Guards: a word that ordinary services use every day has too few points to withhold a message alone. Must
//! never hold a sentence of one sender.

use super::lexicon::{Class, Group, group};

pub(super) const ISLANDS: &[Group] = &[
    group(
        Class::Pay,
        5,
        "konfirmasi pembayaran|untuk pembayaran|sahkan pembayaran|xac nhan thanh toan|de thanh toan",
    ),
    group(Class::Nod, 2, "nilai|sebesar|sejumlah|so tien|halaga"),
    group(
        Class::Bank,
        6,
        "rekening|nomor rekening|tarik tunai|setor tunai|perbankan|internet banking|mobile banking|m banking|\
         mbanking|kartu kredit|kartu debit|pinjaman|pinjol|pencairan dana|pencairan|dana cair|tagihan kartu|\
         cicilan|kredivo|paylater|pay later|virtual account|dompet digital|uang elektronik|saham|reksa dana|\
         asuransi|kripto|transfer bank|deposito|\
         perbankan|akaun simpanan|akaun semasa|kad kredit|kad debit|pemindahan wang|pindahan wang|pindahan rm|\
         pindahan|pinjaman peribadi|e dompet|ewallet|wang tunai|insurans|duitnow|fpx|\
         bangko|pautang|pagpapadala ng|padala ng|inaprubahang loan|iyong loan|\
         ngan hang|giao dich|chuyen tien|chuyen khoan|rut tien|so du|tai khoan ngan hang|the tin dung|the ghi no|\
         khoan vay|vay tien|vay von|vay nhanh|giai ngan|smart banking|smartbanking|the atm|vi dien tu|\
         bao hiem nhan tho|chung khoan|tien dien tu|hop dong tin dung|tra gop|nap rut|lenh chuyen",
    ),
    group(
        Class::Staff,
        6,
        "petugas bank|pihak bank|karyawan bank|bank tidak pernah|kakitangan bank|pegawai bank|bank tidak akan|nhan vien ngan hang|ngan hang khong bao gio|tauhan ng bangko|hindi hihingin ng bangko",
    ),
    group(Class::Card, 2, "kartu|kad|kard"),
    group(Class::Tail, 3, "berakhir|berakhiran|berakhir dengan|yang berakhir|duoi"),
    group(
        Class::Pay,
        4,
        "transaksi|debet|didebit|penarikan|urus niaga|transaksyon|gd|gdtt|thanh toan|tru tien|bi tru|hinugot",
    ),
    group(
        Class::Pay,
        3,
        "pembayaran|bayar|pembelian|transfer|belian|pagbabayad|bayad|padala|mua hang|nap tien|pagbili",
    ),
    group(Class::Bank, 5, "tac"),
    group(Class::Funds, 3, "sd|tk|stk"),
    group(Class::Loan, 4, "utang|hutang"),
    group(Class::StateLabel, 6, "hasil|bir|lto|dfa|kpu|oss"),
    group(
        Class::State,
        6,
        "nop thue|thue thu nhap|khai thue|ma so thue|thue dien tu|co quan thue|chi cuc thue",
    ),
    group(Class::State, 4, "jabatan|kerajaan|uy ban|dinh danh"),
    group(Class::Funds, 5, "saldo rp|saldo anda|saldo rekening|baki akaun|baki anda"),
    group(Class::Funds, 3, "saldo|baki|jumlah|nominal|angsuran|tunggakan|so tien|pera|sahod"),
    group(Class::Loan, 4, "kredit|pembiayaan|loan|pinjam|no qua han|du no|vay"),
    group(
        Class::Nod,
        2,
        "disetujui|diluluskan|cair|jatuh tempo|aprubado|inaprubahan|duoc duyet|phe duyet|hop dong|den han",
    ),
    group(Class::Amount, 2, "rp|rm|php|vnd|dong|piso"),
    group(
        Class::State,
        6,
        "pajak|djp|dukcapil|kependudukan|kemendagri|kementerian|kemenkes|kemensos|bpjs|satu sehat|satusehat|\
         pedulilindungi|peduli lindungi|korlantas|samsat|imigrasi|paspor|ktp|nik anda|kartu keluarga|pemerintah|\
         prakerja|bantuan sosial|pemilu|go id|coretax|npwp|\
         lhdn|cukai|kwsp|perkeso|myjpj|jpj|jpn|mykad|mydigital|pasport|kementerian|myeg|\
         mysejahtera|gov my|ejen cukai|zakat|\
         philsys|sss|my sss|pagibig|pag ibig|philhealth|gsis|comelec|nbi clearance|psa helpline|\
         egov ph|egovph|gov ph|pamahalaan|buwis|pasaporte|national id|\
         tong cuc thue|cuc thue|bao hiem xa hoi|vssid|vneid|dinh danh dien tu|dich vu cong|cccd|\
         can cuoc cong dan|can cuoc|cong an|ho chieu|bo cong an|bao hiem y te|giay phep lai xe|etax|hai quan|gov vn",
    ),
    group(Class::Paper, 3, "paspor|sim a|sim c|lesen memandu|lisensya|visa du lich"),
    group(
        Class::Safe,
        0,
        "data kartu*|nomor kartu*|data bank|data rekening|data perbankan|meminta data|butiran kad|butiran bank|\
         nombor kad|maklumat bank|maklumat kad|detalye ng bangko|detalye ng card|thong tin the|thong tin ngan hang|\
         so the|thong tin tai khoan ngan hang|mat khau ngan hang|bank sampah|bank darah|bank soal|kartu perdana|\
         kartu sim|kad sim|kartu hadiah|kartu anggota|sinh vien vay muon|ngan hang de thi|ngan hang mau|\
         thong tin cua|\
         \
         \
         buku pinjaman|pinjaman buku|peminjaman buku|\
         ",
    ),
    group(
        Class::Trade,
        2,
        "tagihan|pulsa|kuota|paket data|gb|hoa don|pesanan*|paket|pengiriman|langganan|tiket|kurir|bungkusan|penghantaran|order mo|don hang|giao hang|ve xem|padalang parcel",
    ),
    group(
        Class::Denial,
        0,
        "tidak pernah meminta|tidak akan meminta|tidak pernah minta|nggak pernah minta|khong bao gio hoi|khong bao gio yeu cau|khong yeu cau|hindi kami humihingi|hindi namin hihingin",
    ),
];

pub(super) const MAINLAND: &[Group] = &[
    group(
        Class::Pay,
        5,
        "用于支付|用於支付|用于付款|用於付款|付款驗證|付款验证|お支払いの確認|결제 인증|결제인증",
    ),
    group(
        Class::Bank,
        6,
        "ธนาคาร|โอนเงิน|เงินโอน|ยอดเงิน|ยอดคงเหลือ|เงินออก|เงินเข้า|ถอนเงิน|ฝากเงิน|บัตรเครดิต|บัตรเดบิต|สินเชื่อ|เงินกู้|กู้เงิน|\
         พร้อมเพย์|อินเทอร์เน็ตแบงก์กิ้ง|แบงก์กิ้ง|เอทีเอ็ม|วอลเล็ท|คริปโต|กองทุน|ประกันชีวิต|รายการเดินบัญชี|ผ่อนชำระ|\
         ທະນາຄານ|ໂອນເງິນ|ยอดเงินคงเหลือ|ธ กสิกร|ธ ก ส|ဘဏ်|ငွေလွှဲ|ငွေထုတ်|ချေးငွေ|ធនាគារ|ផ្ទេរប្រាក់|ដកប្រាក់|កម្ចី|\
         銀行|信用金庫|信金|信用組合|労働金庫|ゆうちょ|ネットバンキング|インターネットバンキング|振込|振り込み|送金|口座振替|口座番号|証券|\
         投資信託|残高|出金|入金|引き出し|キャッシング|カードローン|ローン|融資|借入|クレジットカード|デビットカード|カードご利用|カード利用|\
         ご利用金額|本人認証サービス|電子マネー|暗号資産|仮想通貨|住宅ローン|生命保険|損害保険|キャッシュカード|\
         은행|뱅킹|이체|계좌|출금|입금|잔액|잔고|송금|대출|신용카드|체크카드|일시불|할부|카드승인|승인금액|결제금액|간편결제|증권|주식|펀드|\
         보험|적금|예금|저축은행|새마을금고|신협|가상자산|비트코인|연체|카드론|현금서비스|공동인증|금융인증|\
         银行|銀行|储蓄|儲蓄|信用卡|借记卡|借記卡|储蓄卡|金融卡|网银|網銀|手机银行|網路銀行|行動銀行|转账|轉帳|轉賬|汇款|匯款|取现|取款|\
         提现|提款|存款|贷款|貸款|借款|还款|還款|放款|分期|动账|交易密码|交易密碼|刷卡|消费人民币|证券|證券|基金|理财|股票|保险|保險|\
         支付宝|支付寶|微信支付|云闪付|雲閃付|银联|銀聯|花呗|借呗|白条|数字人民币|付款金额|付款碼|电子支付|電子支付|行動支付|街口|\
         加密货币|比特币|提币|充值到账户|收款人|农信|農會|信用社|消费金融|金融|小额贷|付款码|快捷支付|支付密码|ATM|绑定银行卡",
    ),
    group(Class::Card, 3, "ด้วยบัตร|บัตรลงท้าย|下4桁|下四桁|末四码|末四碼|卡号后四位|尾号|尾號|末4碼"),
    group(Class::Card, 2, "บัตร|カード|카드|卡片"),
    group(Class::Tail, 3, "ลงท้าย|尾数"),
    group(Class::Pay, 4, "取引|お支払い手続き|거래|승인|交易|支付|ชำระเงิน|ชำระค่า|付款|支出"),
    group(Class::Pay, 3, "ชำระ|ซื้อ|จ่าย|決済|支払|お支払い|購入|결제|구매|扣款|消费|缴费|繳費|收款|金额|金額"),
    group(Class::Funds, 2, "บัญชี"),
    group(Class::Funds, 3, "บช|金額|금액|누적|账户|帳戶|账号资金|资金|資金"),
    group(Class::Bank, 6, "株式売買|株式取引|株式注文"),
    group(Class::Funds, 5, "钱包|錢包|หุ้น|กระเป๋าเงิน"),
    group(Class::Funds, 4, "额度|余额|餘額"),
    group(Class::State, 5, "ตำรวจ"),
    group(Class::Paper, 3, "여권"),
    group(Class::Nod, 2, "อนุมัติ|審査|承認|승인되었|通过|核准|签约|合同"),
    group(Class::Amount, 2, "บาท|円|원|元|人民币|新台幣|nt|hkd|₭"),
    group(
        Class::State,
        6,
        "กรมสรรพากร|สรรพากร|ภาษี|ประกันสังคม|กรมการปกครอง|กรมการขนส่ง|กระทรวง|รัฐบาล|ราชการ|บัตรประชาชน|หนังสือเดินทาง|\
         ยืนยันตัวตนภาครัฐ|เป๋าตัง|บัตรสวัสดิการ|เลือกตั้ง|thaid|หมอพร้อม|go th|ใบขับขี่|ລັດຖະບານ|ပတ်စပို့|အခွန်|\
         រដ្ឋាភិបាល|ពន្ធដារ|ក្រសួង|\
         マイナ|個人番号|国税|税務署|確定申告|市役所|区役所|町役場|県庁|都庁|自治体|政府|省庁|年金|ハローワーク|デジタル庁|電子申請|運転免許|\
         パスポート申請|旅券|法務省|厚生労働省|総務省|健康保険|住民票|選挙|警察署|警視庁|裁判所|gbiz|\
         정부|국세청|홈택스|건강보험공단|국민연금|건강보험|고용노동부|고용보험|주민등록|행정안전부|구청|민원|위택스|병무청|경찰청|법원|\
         선거관리|출입국|외교부|운전면허|질병관리청|보건복지부|근로복지|관세청|우정사업본부|모바일 신분증|전자정부|복지로|\
         个人所得税|個人所得稅|税务|稅務|国税|國稅|社保|社会保险|社會保險|养老保险|养老金|医保|醫保|公积金|公積金|政务|政務|政府|公安|交管|交警|\
         居民身份|出入境|護照|护照|护照申请|法院|检察|人社|民政|教育局|统一身份认证|統一身份|健保|勞保|勞工保險|財政部|報稅|监管局|市场监管|粤省事|\
         浙里办|随申办|国家政务|国务院|大使馆|领事馆|驾驶证|行驶证|自然人憑證|自然人凭证|戶政|內政部|衛福部|移民署|入境處|智方便|居民户|户籍",
    ),
    group(Class::Paper, 3, "พาสปอร์ต|วีซ่า|パスポート|ビザ|비자|签证|簽證|身份证|身分證|신분증"),
    group(
        Class::Safe,
        0,
        "株式会社|주식회사|도서 대출|도서대출|도서 연체|ドローン|クローン|话费余额|ข้อมูลบัตร|ข้อมูลธนาคาร|ข้อมูลบัญชี|เลขบัตร|หมายเลขบัตร|บัญชีธนาคารของคุณ|บัตรหรือบัญชีธนาคาร|พาวเวอร์แบงค์|ธนาคารเลือด|บัตรสมาชิก|บัตรของขวัญ|\
         บัญชีของคุณ|บัญชีผู้ใช้|คริปโตกราฟี|クレジットカード番号|カード番号|カード情報|銀行口座情報|口座情報|ギフトカード|会員カード|ポイントカード|\
         モバイルバッテリー|税込|税抜|カードゲーム|SIMカード|ログイン 金額|카드번호|카드 번호|계좌번호|계좌 번호|계좌 비밀번호|카드 정보|금융정보|\
         혈액은행|문제은행|상품권 카드|모바일 카드 게임|유심 카드|교통카드|회원카드|기프트카드|\
         银行卡信息|银行卡号|银行卡密码|信用卡信息|信用卡号|卡号信息|银行账户信息|銀行帳戶資料|信用卡資料|信用卡號|支付密码等|题库银行|血库|\
         充电宝|行動電源|礼品卡|禮物卡|会员卡|會員卡|手机卡|流量卡|验证通过|驗證通過|审核通过|通过验证|通过短信|通过手机|通过率|次元|\
         元宵|元旦|多元|元气|元氣|元素|单元|單元|公元|纪元|紀元|元宇宙|元神|元梦|二元|千元素|円滑|楕円|원인|원본|원하|지원|회원|병원|학원|응원|공원|\
         대원|직원|인원|요원|정원|수원|강원|사원|구원|신원|차원|보험 없이|안전거래|거래처|중고거래|인증 승인|가입 승인|로그인 승인|기기 승인|\
         승인번호|기금속|キャンペーン金額|保险箱|分期望|额度外|交易所服|政府机|時政|市政廳|法院線|教育局部|支付方式|交易平台|游戏交易|免费|消费者|消费券",
    ),
    group(
        Class::Trade,
        2,
        "ใบแจ้งหนี้|請求番号|청구서|账单|帳單|发票|话费|คำสั่งซื้อ|พัสดุ|จัดส่ง|ตั๋ว|ออเดอร์|ご注文|注文|お荷物|配達|予約|チケット|주문|배송|택배|예약|티켓|订单|訂單|快递|快遞|包裹|外卖|外送|会员|續訂|订阅",
    ),
    group(
        Class::Denial,
        0,
        "ไม่ขอ|จะไม่ขอ|ไม่มีนโยบายขอ|お聞きすることは|お尋ねすることは|묻지 않|요구하지 않|요청하지 않|不会向您索|不會向您索|不会索要|\
         不会向您要|不会要求您|不會要求您|绝不会要求|不会询问",
    ),
];
